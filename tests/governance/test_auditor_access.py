"""External auditors: let in for a time, watched while they are in, and out by themselves; links and schedules."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from governance.actions import auditors, evidence, package_schedules
from governance.models import AuditorAccess, EvidencePackage, PackageDownload, PackageSchedule
from governance.tasks.evidence import keep_time
from releasetrain.accounts.models import ApiToken, Membership, User
from releasetrain.audit.models import LedgerEntry
from releasetrain.audit.verifier import verify as alone
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)
ADA = "ada@firm.example"


@pytest.fixture
def story(cast: Any) -> Story:
    return Story(cast)


def invited(story: Story, days: int = 30, **but: Any) -> Any:
    with story.scope("owner") as owner:
        given = {
            "email": ADA,
            "firm": "Firm & Co",
            "purpose": "SOX 2026",
            "ends_at": now() + timedelta(days=days),
        }
        return auditors.invite_auditor(owner, **(given | but))


def link_of(web: Any, access: Any) -> str:
    page = web("owner").get(f"/o/northwind/auditor-accesses/{access.key}/").content.decode()
    found = re.search(r"http://testserver(/auditor-invitation/[\w:.-]+)", page)
    assert found, page
    return found.group(1)


def ada() -> Client:
    client = Client()
    client.force_login(User.objects.get(email=ADA))
    return client


def let_in(story: Story, web: Any, **but: Any) -> Any:
    User.objects.create_user(ADA, "all aboard the release train", name="Ada")
    access = invited(story, **but)
    answer = ada().post(link_of(web, access))
    assert answer["Location"] == "/o/northwind/auditor/"
    with story.scope("owner"):
        return AuditorAccess.objects.get(pk=access.pk)


def test_an_invitation_is_for_one_address_and_leads_through_signing_up(
    db: Any, story: Story, web: Any
) -> None:
    access = invited(story)
    link = link_of(web, access)
    stranger = Client()
    page = stranger.get(link).content.decode()
    assert "Sign in as ada@firm.example" in page
    # The installation is closed to sign-ups, but not to whom it invites.
    assert stranger.get("/accounts/signup/").status_code == 200
    assert "The invitation is for ada@firm.example" in web("team_member").get(link).content.decode()
    assert web("team_member").post(link).status_code == 409
    signed_up = stranger.post(
        f"/accounts/signup/?next={link}",
        {"email": ADA, "password1": "all aboard the release train", "next": link},
    )
    assert signed_up["Location"] == link
    assert "Accept the invitation" in stranger.get(link).content.decode()
    assert stranger.get("/o/northwind/auditor/").status_code == 404
    assert stranger.post(link).status_code == 303
    assert stranger.get("/o/northwind/auditor/").status_code == 200
    # Used up.
    assert stranger.get(link).status_code == 404
    assert Client().get("/auditor-invitation/forged").status_code == 404
    with story.scope("owner"):
        entry = LedgerEntry.objects.get(verb="auditor_access.admit")
        assert str(User.objects.get(email=ADA).pk) in entry.body


def test_everything_that_an_external_auditor_opens_is_recorded(db: Any, story: Story, web: Any) -> None:
    access = let_in(story, web)
    client = ada()
    page = client.get(f"/o/northwind/releases/{story.release.key}/")
    assert page.status_code == 200
    desk = client.get("/o/northwind/auditor/").content.decode()
    assert "Firm &amp; Co: Ada, AUD-1." in desk
    seen = web("owner").get(f"/o/northwind/auditor-accesses/{access.key}/").content.decode()
    assert story.release.key in seen
    with story.scope("owner"):
        entry = LedgerEntry.objects.get(verb="evidence.view")
        assert (entry.subject_kind, entry.actor_id) == ("auditoraccess", access.user_id)
    # Others are recorded when they open evidence, not when they open anything.
    web("release_manager").get(f"/o/northwind/releases/{story.release.key}/")
    with story.scope("owner"):
        assert LedgerEntry.objects.filter(verb="evidence.view").count() == 1
    # An auditor sees their own access, not who else is let in.
    other = invited(story, email="bob@other.example")
    assert client.get(f"/o/northwind/auditor-accesses/{other.key}/").status_code == 404
    assert client.get(f"/o/northwind/auditor-accesses/{access.key}/").status_code == 200


def test_access_ends_by_itself_for_sessions_and_tokens(db: Any, story: Story, web: Any) -> None:
    from rest_framework.test import APIClient

    from releasetrain.accounts import tokens

    access = let_in(story, web, days=2)
    client = ada()
    user = User.objects.get(email=ADA)
    token_id, secret, text = tokens.generate()
    ApiToken.objects.create(
        id=token_id,
        organization_id=access.organization_id,
        user=user,
        label="laptop",
        secret_hash=tokens.secret_hash(secret),
        expires_at=now() + timedelta(days=300),
    )
    rest = APIClient()
    rest.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert rest.get("/api/v1/orgs/northwind/evidence").status_code == 200
    with time_machine.travel(access.ends_at + timedelta(seconds=1)):
        client.force_login(user)
        # At that very second, before anything has run.
        assert client.get("/o/northwind/auditor/").status_code == 403
        assert rest.get("/api/v1/orgs/northwind/evidence").status_code == 403
        assert keep_time(access.organization_id) == 1
        assert keep_time(access.organization_id) == 0
        assert client.get("/o/northwind/auditor/").status_code == 404
        assert rest.get("/api/v1/orgs/northwind/evidence").status_code == 401
        assert ApiToken.objects.get(pk=token_id).revoked_at
        with story.scope("owner"):
            assert AuditorAccess.objects.get().state == "ended"
            assert LedgerEntry.objects.filter(verb="auditor_access.end").count() == 1


def test_an_end_can_be_moved_and_access_withdrawn_at_once(db: Any, story: Story, web: Any) -> None:
    access = let_in(story, web, days=2)
    with story.scope("owner") as owner:
        with pytest.raises(Refused, match="a year at most"):
            auditors.set_end(owner, access, ends_at=now() + timedelta(days=500), reason="Longer.")
        auditors.set_end(owner, access, ends_at=now() + timedelta(days=9), reason="Fieldwork takes longer.")
    with time_machine.travel(now() + timedelta(days=5)):
        assert ada().get("/o/northwind/auditor/").status_code == 200
    with story.scope("owner") as owner:
        auditors.withdraw_access(owner, AuditorAccess.objects.get(), reason="The engagement is over.")
    assert ada().get("/o/northwind/auditor/").status_code == 404
    # Invited again later, the same person comes back in.
    again = invited(story)
    assert ada().post(link_of(web, again)).status_code == 303
    assert ada().get("/o/northwind/auditor/").status_code == 200


def test_a_member_of_staff_who_was_also_auditor_stays_a_member(db: Any, story: Story, web: Any) -> None:
    staff = story.cast.user("team_member")
    access = invited(story, email=staff.email)
    assert web("team_member").post(link_of(web, access)).status_code == 303
    with story.scope("owner") as owner:
        auditors.withdraw_access(owner, AuditorAccess.objects.get(), reason="Over.")
    assert Membership.objects.get(user=staff).suspended_at is None


def test_bad_invitations_are_refused(db: Any, story: Story, api: Any) -> None:
    invited(story)
    for wrong, field in (
        ({"email": "nobody"}, "email"),
        ({}, "email"),
        ({"email": "x@y.example", "ends_at": now() - timedelta(days=1)}, "ends_at"),
        ({"email": "x@y.example", "ends_at": now() + timedelta(days=900)}, "ends_at"),
    ):
        with pytest.raises(Refused) as refused:
            invited(story, **wrong)
        assert refused.value.refusals[0].field == field
    body = {"email": "x@y.example", "firm": "F", "purpose": "P", "ends_at": "2099-01-01T00:00Z"}
    assert api("auditor").post("/api/v1/orgs/northwind/auditor-accesses/invite", body).status_code == 403


def test_an_external_auditor_takes_a_marked_copy_that_verifies(
    committed_db: Any, story: Story, web: Any, tmp_path: Any
) -> None:
    package = story.built()
    let_in(story, web)
    first = ada().get(f"/o/northwind/evidence/{package.key}/file")
    taken = ada().get(first["Location"])
    content = b"".join(taken.streaming_content)
    assert int(taken["Content-Length"]) == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"AUD-1: this copy was handed to Ada of Firm & Co" in archive.comment
    copy = tmp_path / "copy.zip"
    copy.write_bytes(content)
    assert alone.verify(str(copy)).problems == []
    with story.scope("owner"):
        assert [str(d.user) for d in PackageDownload.objects.all()] == ["Ada"]


def test_a_link_is_for_one_person_and_soon_over(committed_db: Any, story: Story, web: Any, api: Any) -> None:
    package = story.built()
    base = f"/o/northwind/evidence/{package.key}"
    own = web("auditor").get(f"{base}/file")["Location"]
    assert web("compliance_officer").get(own).status_code == 403
    assert Client().get(own).status_code == 302  # to the login
    assert b"".join(web("auditor").get(own).streaming_content) == story.path(package).read_bytes()
    with time_machine.travel(now() + timedelta(minutes=16)):
        assert web("auditor").get(own).status_code == 410
    made = api("release_manager").post(
        f"/api/v1/orgs/northwind/evidence/{package.key}/link",
        {"email": story.cast.user("compliance_officer").email, "minutes": 2},
    )
    assert made.status_code == 200, made.content
    url = made.json()["result"]["url"]
    assert web("auditor").get(url).status_code == 403
    assert b"".join(web("compliance_officer").get(url).streaming_content)
    assert web("compliance_officer").get(url[:-1] + ("A" if url[-1] != "A" else "B")).status_code == 403
    with time_machine.travel(now() + timedelta(minutes=3)):
        assert web("compliance_officer").get(url).status_code == 410
    # The right counts when the link is opened, not when it was made.
    assert web("team_member").get(f"{base}/file").status_code == 403
    for wrong in ({"minutes": 0}, {"minutes": 99_999}, {"email": "nobody@nowhere.example"}):
        answer = api("release_manager").post(f"/api/v1/orgs/northwind/evidence/{package.key}/link", wrong)
        assert answer.status_code == 422, answer.content
    with story.scope("auditor"):
        assert PackageDownload.objects.count() == 2


def test_a_finished_package_is_renewed_by_a_new_version(committed_db: Any, story: Story, web: Any) -> None:
    from governance.evidence.work import work_off

    first = story.built()
    with story.scope("release_manager") as manager:
        second = evidence.renew_package(manager, first)
        assert evidence.renew_package(manager, first).pk == second.pk  # it is on its way
    work_off(story.cast.organization.pk, second.pk)
    assert (first.version, story.again(second).version) == (1, 2)
    assert story.path(first).exists()
    page = web("auditor").get(f"/o/northwind/evidence/{second.key}/").content.decode()
    assert first.key in page


def test_schedules_pack_each_period_once_when_it_is_over(db: Any, story: Story) -> None:
    zone = ZoneInfo(story.cast.organization.time_zone)
    with (
        time_machine.travel(datetime(2027, 1, 15, 12, tzinfo=UTC)),
        story.scope("compliance_officer") as officer,
    ):
        package_schedules.create_schedule(officer, name="Months", every="month")
        assert package_schedules.pack_due(officer) == []
    with time_machine.travel(datetime(2027, 4, 2, tzinfo=UTC)):
        assert keep_time(story.cast.organization.pk) == 3
        assert keep_time(story.cast.organization.pk) == 0
    with story.scope("auditor"):
        made = EvidencePackage.objects.order_by("starts")
        assert [p.starts.astimezone(zone).date().isoformat() for p in made] == [
            "2027-01-01",
            "2027-02-01",
            "2027-03-01",
        ]
        assert {p.origin for p in made} == {"automatic"}
        schedule = PackageSchedule.objects.get()
    with time_machine.travel(datetime(2027, 7, 2, tzinfo=UTC)):
        with story.scope("compliance_officer") as officer:
            package_schedules.pause_schedule(officer, schedule)
        assert keep_time(story.cast.organization.pk) == 0
        with story.scope("compliance_officer") as officer:
            package_schedules.resume_schedule(officer, PackageSchedule.objects.get())
        assert keep_time(story.cast.organization.pk) == 3
