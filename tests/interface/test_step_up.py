"""Acts that weigh much ask for a proof of the last minutes, on every way in; what was filled in is there again afterwards."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.test import Client

from releasetrain.accounts.models import ApiToken
from releasetrain.audit.doorway import actions
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope
from tests.fixtures import signed_in_an_hour_ago
from tests.testbed.cast import PASSWORD

ROOT = "/o/northwind"
# Approving, overriding, sealing evidence, deleting, and saying who may come in.
HEAVY = re.compile(
    r"(change\.(vote|sign|void_votes)|[a-z_]+\.(approve|pre_approve|countersign|authorise|sign_off|break_glass|deprovision)"
    r"|(sign_off)\.give|checkpoint_sign_off\.sign|(waiver|duty_exception)\.grant|(finding|modelled_threat)\.accept"
    r"|approval_policy\.publish|duty_matrix\.confirm|legal_hold\.lift|[a-z_]+\.redact|[a-z_]+\.build_evidence"
    r"|evidence_package\.(request|rebuild|renew|link)|identity_provider\.(?!try_out).+|identity\.(?!sign_in).+"
    r"|[a-z_]+\.(delete|dispose|destroy|erase|purge))\Z"
)
# A list's own filters, kept under a name: nobody decides by them.
LIGHT = {"saved_view.delete"}


def test_every_heavy_verb_asks_for_a_step_up():
    heavy = {verb for verb in actions() if HEAVY.match(verb)} - LIGHT
    assert len(heavy) > 40
    assert sorted(verb for verb in heavy if not actions()[verb].step_up) == []


@pytest.fixture
def heavy_form():
    """A heavy verb with a plain form, which an owner may use."""
    return f"{ROOT}/identity-providers/new", {"name": "Staff sign-in", "group_claim": "teams"}


def test_a_form_is_kept_over_the_proof_and_the_act_is_done_after_it(web, heavy_form):
    address, filled = heavy_form
    owner = web("owner")
    assert owner.get(address).status_code == 200
    signed_in_an_hour_ago(owner)
    asked = owner.post(address, filled)
    assert (asked.status_code, unquote(asked["Location"])) == (
        303,
        f"/accounts/reauthenticate/?next={ROOT}/identity-providers/new",
    )
    page = owner.get(asked["Location"]).content.decode()
    assert "password" in page
    wrong = owner.post(asked["Location"], {"password": "no", "next": address})
    assert wrong.status_code == 200
    assert owner.get(address)["Location"].startswith("/accounts/reauthenticate/")
    back = owner.post(asked["Location"], {"password": PASSWORD, "next": address})
    assert back["Location"] == address
    again = owner.get(address).content.decode()
    assert 'value="Staff sign-in"' in again
    assert 'value="teams"' in again
    assert owner.post(address, filled)["Location"].startswith(f"{ROOT}/identity-providers/")
    # What was kept is shown once.
    assert 'value="teams"' not in owner.get(address).content.decode()


def test_a_dialog_is_led_to_the_proof_as_a_whole_page(web, heavy_form):
    address, filled = heavy_form
    answer = signed_in_an_hour_ago(web("owner")).post(
        address,
        filled,
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/o/northwind/settings/?x=1"},
    )
    assert unquote(answer["HX-Redirect"]) == f"/accounts/reauthenticate/?next={address}"


def test_rest_refuses_an_old_session_and_an_old_token_with_a_code(web, token, api):
    address, body = "/api/v1/orgs/northwind/identity-providers", {"name": "Staff"}
    old = signed_in_an_hour_ago(web("owner"))
    refused = old.post(address, body, "application/json")
    assert (refused.status_code, refused["Content-Type"], refused.json()["code"]) == (
        403,
        "application/problem+json",
        "step_up.required",
    )
    assert old.get("/api/v1/orgs/northwind/releases").status_code == 200
    bulk = old.post(
        "/api/v1/orgs/northwind/bulk",
        {"operations": [{"verb": "identity_provider.create", "parameters": body}]},
        "application/json",
    )
    assert (bulk.status_code, bulk.json()["code"]) == (403, "step_up.required")
    text = token("owner")
    ApiToken.objects.filter(pk=text.split("_")[1]).update(created_at=now() - timedelta(hours=1))
    held = Client(headers={"Authorization": f"Bearer {text}"})
    assert held.post(address, body, "application/json").json()["code"] == "step_up.required"
    assert api("owner").post(address, body).status_code == 201


def test_a_service_accounts_token_is_its_own_proof(token):
    from releasetrain.accounts import sessions
    from releasetrain.accounts.tokens import find

    text = token("service_account")
    ApiToken.objects.filter(pk=text.split("_")[1]).update(created_at=now() - timedelta(days=30))
    request = type("Request", (), {"auth": find(text)})()
    assert sessions.is_fresh(request)


def test_the_doorway_itself_refuses_whatever_way_an_act_comes(cast):
    user = cast.user("owner")
    tired = Actor(cast.organization.pk, user.pk, str(user), fresh=False)
    with tenant_scope(cast.organization.pk, tired), pytest.raises(Refused) as refused:
        actions()["identity_provider.create"](tired, name="Staff")
    assert refused.value.refusals[0].code == "step_up.required"


def test_a_vote_is_kept_over_the_proof(web, cast):
    from tests.exchange.test_directory import _submitted

    _, change = _submitted(cast)
    member = signed_in_an_hour_ago(web("cab_member"))
    page = f"{ROOT}/cab/{change.key}/"
    filled = {"choice": "approve", "rationale": "Read twice, and fine.", "revision": str(change.revision)}
    asked = member.post(f"{page}vote/", filled, headers={"Referer": f"http://testserver{page}"})
    assert unquote(asked["Location"]) == f"/accounts/reauthenticate/?next={page}"
    back = member.post(asked["Location"], {"password": PASSWORD, "next": page})
    assert "Read twice, and fine." in member.get(back["Location"]).content.decode()
    assert member.post(f"{page}vote/", filled)["Location"] == page
