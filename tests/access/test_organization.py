"""An organization invites people by mail, changes its settings, is suspended and resumed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from releasetrain.access import posting
from releasetrain.access.models import Invitation
from releasetrain.accounts.models import Grant, User
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now

pytestmark = pytest.mark.django_db
API = "/api/v1/orgs/northwind"
NEW = "nia.brown@elsewhere.example"


def invite(api, **other):
    body = {"email": NEW, "role": "rte", "message": "Welcome aboard"} | other
    return api("owner").post(f"{API}/invitations/send", body)


def link(cast) -> str:
    assert posting.send_due(cast.organization.pk) == 1
    found = re.search(r"http://localhost:8000(/invitation/\S+)", mail.outbox[-1].body)
    return found[1]


@pytest.fixture
def newcomer(db):
    user = User.objects.create_user(NEW, "correct horse battery staple", name="Nia Brown")
    client = Client()
    client.force_login(user)
    return client


def test_somebody_is_invited_by_mail_and_joins_once(api, cast, within, newcomer):
    assert invite(api).status_code == 201
    address = link(cast)
    assert mail.outbox[0].to == [NEW]
    assert "Welcome aboard" in mail.outbox[0].body
    assert posting.send_due(cast.organization.pk) == 0, "nothing goes twice"
    assert newcomer.get("/o/northwind/").status_code == 404
    assert "Accept the invitation" in newcomer.get(address).content.decode()
    assert newcomer.post(address)["Location"] == "/o/northwind/"
    assert newcomer.get("/o/northwind/").status_code == 200
    assert newcomer.post(address).status_code == 404, "a link works once"
    with within(cast, "owner"):
        assert Grant.objects.get(user__email=NEW).role == "rte"
        assert Invitation.objects.get().state == "accepted"
        accepted = LedgerEntry.objects.get(verb="invitation.accept")
        assert str(User.objects.get(email=NEW).pk) in accepted.body
        assert address.rpartition("/")[2] not in accepted.body


def test_signing_up_is_open_to_whoever_holds_an_invitation(api, cast, settings):
    settings.SELF_SERVICE_ORGANIZATIONS = False
    visitor = Client()
    body = {"email": NEW, "password1": "correct horse battery staple"}
    visitor.post("/accounts/signup/", body)
    assert not User.objects.filter(email=NEW).exists()
    invite(api)
    address = link(cast)
    assert "Create an account" in visitor.get(address).content.decode()
    visitor.post("/accounts/signup/", body)
    assert User.objects.filter(email=NEW).exists()
    assert visitor.post(address).status_code == 303
    assert visitor.get("/organizations/new/").status_code == 403, "founding stays closed"


@pytest.mark.parametrize("how", ["revoked", "expired", "sent again", "changed", "suspended"])
def test_a_link_that_is_over_opens_nothing(how, api, cast, within, newcomer, northwind):
    made = invite(api).json()
    address = link(cast)
    if how == "revoked":
        api("owner").post(f"{API}/invitations/{made['id']}/revoke", {"reason": "Mistake"})
    elif how == "sent again":
        assert api("owner").post(f"{API}/invitations/{made['id']}/resend", {}).status_code == 200
    elif how == "changed":
        address = address[:-3] + "abc"
    elif how == "suspended":
        northwind.suspended_at = now()
        northwind.save()
    with time_machine.travel(now() + timedelta(days=8 if how == "expired" else 0), tick=True):
        newcomer.cookies.clear()
        newcomer.force_login(User.objects.get(email=NEW))
        assert newcomer.get(address).status_code == 404
        assert newcomer.post(address).status_code == 404
    with within(cast, "owner"):
        assert not Grant.objects.filter(user__email=NEW).exists()
    if how == "sent again":
        assert newcomer.post(link(cast)).status_code == 303


def test_an_invitation_is_for_one_address(api, cast, within, web):
    invite(api)
    address = link(cast)
    other = web("team_member", "contoso-health")
    assert other.post(address).status_code == 409
    assert "sign in under that address" in other.get(address).content.decode()
    with within(cast, "owner"):
        assert Invitation.objects.get().state == "open"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "nobody"}, "invitation.email"),
        ({"role": "service_account"}, "role.person"),
        ({"role": "auditor"}, "grant.unbounded"),
        ({"email": "rte@northwind.example"}, "grant.exists"),
    ],
)
def test_a_wrong_invitation_is_refused(change, code, api):
    answer = invite(api, **change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (
        api("team_member").post(f"{API}/invitations/send", {"email": NEW, "role": "rte"}).status_code == 403
    )


def test_nobody_is_invited_to_the_same_twice(api):
    invite(api)
    assert invite(api, email=NEW.upper()).json()["code"] == "invitation.exists"


def test_a_mail_that_is_refused_goes_later_and_a_dead_worker_loses_none(api, cast, within, monkeypatch):
    import uuid

    invite(api)
    posting._claim(cast.organization.pk, uuid.uuid4())
    assert posting.send_due(cast.organization.pk) == 0, "another worker holds it"
    with time_machine.travel(now() + timedelta(minutes=6), tick=True):
        with monkeypatch.context() as broken:
            broken.setattr(
                "releasetrain.access.posting._message", lambda _: (_ for _ in ()).throw(OSError("no server"))
            )
            assert posting.send_due(cast.organization.pk) == 0
    with within(cast, "owner"):
        assert "no server" in Invitation.objects.get().error
    with time_machine.travel(now() + timedelta(minutes=30), tick=True):
        assert posting.send_due(cast.organization.pk) == 1


def test_name_and_zone_and_working_settings_are_changed_in_the_product(api, web, northwind, cast, within):
    body = {"name": "Northwind Bank plc", "time_zone": "Europe/Oslo", "access_review_days": 90}
    assert api("owner").post(f"{API}/do/organization.edit", body).status_code == 200
    northwind.refresh_from_db()
    assert (northwind.name, northwind.time_zone, northwind.access_review_days) == tuple(body.values())
    with within(cast, "owner"):
        changes = LedgerEntry.objects.get(verb="organization.edit").body
        assert '"Northwind Bank plc"' in changes
    form = web("owner").get("/o/northwind/do/organization.edit").content.decode()
    assert "Northwind Bank plc" in form
    assert api("owner").post(f"{API}/do/organization.edit", {"time_zone": "Mars/Base"}).status_code == 422
    assert api("owner").post(f"{API}/do/organization.edit", {"name": " "}).status_code == 422
    assert api("rte").post(f"{API}/do/organization.edit", body).status_code == 403
    assert "Northwind Bank plc" in web("owner").get("/o/northwind/settings/").content.decode()


def suspend(api):
    return api("owner").post(f"{API}/do/organization.suspend", {"reason": "Merger"})


def test_a_suspended_organization_refuses_everybody_but_its_owners_read(api, web, token, northwind):
    pipeline, owner = api("service_account"), api("owner")
    assert suspend(api).status_code == 200
    refused = pipeline.post(f"{API}/gates/evaluate", {"environment": "x"})
    assert (refused.status_code, refused.json()["code"]) == (423, "organization.suspended")
    assert "Merger" in refused.json()["detail"]
    assert pipeline.get(f"{API}/gates").status_code == 423
    assert owner.get(f"{API}/gates").status_code == 200
    assert owner.post(f"{API}/do/organization.edit", {"name": "X"}).status_code == 423
    assert owner.post(f"{API}/trains", {}).status_code == 423
    page = web("rte").get("/o/northwind/")
    assert page.status_code == 423
    assert "This organization is suspended" in page.content.decode()
    assert web("rte").post("/o/northwind/trains/new", {}).status_code == 423
    assert "Suspended since" in web("owner").get("/o/northwind/settings/").content.decode()
    assert web("rte", "contoso-health").get("/o/northwind/").status_code == 404
    hook = Client().post(f"/hooks/northwind/{northwind.pk}", b"{}", content_type="application/json")
    assert hook.status_code == 423
    assert owner.post(f"{API}/do/organization.resume", {"reason": "Done"}).status_code == 200
    assert pipeline.get(f"{API}/gates").status_code == 200


def test_what_the_operator_suspends_only_the_operator_resumes(api, northwind, cast, within, capsys):
    call_command("suspend_organization", "northwind", reason="Unpaid")
    refused = api("owner").post(f"{API}/do/organization.resume", {"reason": "Please"})
    assert (refused.status_code, refused.json()["code"]) == (423, "organization.by_operator")
    call_command("suspend_organization", "northwind", reason="Paid", resume=True)
    assert api("rte").get(f"{API}/releases").status_code == 200
    with within(cast, "owner"):
        verbs = list(LedgerEntry.objects.order_by("id").values_list("verb", flat=True))
    assert verbs[-2:] == ["organization.suspend", "organization.resume"]
    with pytest.raises(CommandError, match="not suspended"):
        call_command("suspend_organization", "northwind", reason="x", resume=True)
    with pytest.raises(CommandError, match="no organization"):
        call_command("suspend_organization", "nowhere", reason="x")


def test_switching_is_one_click(web, other_cast):
    from releasetrain.accounts.models import Membership

    browser = web("owner")
    Membership.objects.create(
        user=User.objects.get(email="owner@northwind.example"), organization=other_cast.organization
    )
    page = browser.get("/o/northwind/settings/").content.decode()
    assert 'href="/o/contoso-health/"' in page
    assert browser.get("/o/contoso-health/").status_code == 200
