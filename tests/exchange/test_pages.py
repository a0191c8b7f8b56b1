"""Pages over several domains: landing, founding, home, settings, tokens, the audit trail."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from releasetrain.accounts.actions import create_service_account
from releasetrain.accounts.models import ApiToken
from releasetrain.audit.models import LedgerEntry
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from tests.testbed.cast import PASSWORD, email


@pytest.mark.django_db
def test_a_visitor_learns_what_the_product_is(client: Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Plan it, decide it, prove it" in page.text


@pytest.mark.django_db
def test_signing_in_by_email_and_password(client: Client, northwind: Any) -> None:
    answer = client.post("/accounts/login/", {"login": email("rte", "northwind"), "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/", follow=True).redirect_chain[-1][0] == "/o/northwind/"


@pytest.mark.django_db
def test_a_wrong_password_says_the_same_as_an_unknown_address(client: Client, northwind: Any) -> None:
    known = client.post("/accounts/login/", {"login": email("rte", "northwind"), "password": "wrong"})
    unknown = client.post("/accounts/login/", {"login": "nobody@example.org", "password": "wrong"})
    assert "not correct" in known.text
    assert "not correct" in unknown.text


@pytest.mark.django_db
def test_anybody_signed_in_founds_an_organization(web: Any) -> None:
    client = web("nobody")
    answer = client.post(
        "/organizations/new/", {"name": "Fabrikam", "slug": "fabrikam", "time_zone": "Europe/Oslo"}
    )
    assert answer.status_code == 302
    assert Organization.objects.get(slug="fabrikam").time_zone == "Europe/Oslo"
    assert "Create a train" in client.get("/o/fabrikam/").text


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["northwind", "A B", "x", "-a-", "o/../p"])
def test_a_taken_or_impossible_address_is_refused_beside_the_field(web: Any, slug: str) -> None:
    answer = web("nobody").post(
        "/organizations/new/", {"name": "Fabrikam", "slug": slug, "time_zone": "Europe/Oslo"}
    )
    assert answer.status_code == 422
    assert "has-err" in answer.text
    assert Organization.objects.count() == 2


@pytest.mark.django_db
def test_home_says_whose_vote_is_due(web: Any, cast: Any, in_northwind: Any) -> None:
    from tests.governance.test_changes import submitted

    change = submitted(cast)
    assert change.key in web("cab_member").get("/o/northwind/").text
    assert "Your vote" not in web("executive").get("/o/northwind/").text


@pytest.mark.django_db
def test_home_costs_a_bounded_number_of_queries(web: Any, django_assert_max_num_queries: Any) -> None:
    client = web("rte")
    client.get("/o/northwind/")
    with django_assert_max_num_queries(40):
        assert client.get("/o/northwind/").status_code == 200


@pytest.mark.django_db
def test_a_token_is_shown_once_and_only_its_hash_is_kept(web: Any, cast: Any, in_northwind: Any) -> None:
    account = create_service_account(cast["owner"], name="pipeline")
    address = f"/o/northwind/service-accounts/{account.pk}/token/"
    page = web("owner").post(address, {"label": "ci", "days": 30}).text
    token = ApiToken.objects.get(label="ci")
    assert f"rtk_{token.pk}_" in page
    assert f"rtk_{token.pk}_…" in web("owner").get(f"/o/northwind/service-accounts/{account.pk}/").text
    assert web("rte").get(address).status_code == 404


@pytest.mark.django_db
def test_the_audit_trail_is_for_those_who_may_read_it(web: Any) -> None:
    assert web("auditor").get("/o/northwind/audit/").status_code == 200
    assert web("team_member").get("/o/northwind/audit/").status_code == 403
    assert web("auditor").get("/o/contoso-health/audit/").status_code == 404


@pytest.mark.django_db
def test_the_audit_trail_finds_acts_by_verb_person_and_object(web: Any, cast: Any, in_northwind: Any) -> None:
    create_service_account(cast["owner"], name="pipeline")
    client = web("auditor")
    assert "pipeline" in client.get("/o/northwind/audit/?verb=service_account.create").text
    assert "No entry matches" in client.get("/o/northwind/audit/?q=nothing-of-the-kind").text
    by_owner = client.get(f"/o/northwind/audit/?actor={cast.user('owner').pk}")
    assert "pipeline" in by_owner.text
    for odd in ("actor=x", "before=x", "since=never", "before=99999999999999999999", "kind=%27"):
        assert client.get(f"/o/northwind/audit/?{odd}").status_code == 200


@pytest.mark.django_db
def test_an_entry_shows_its_leaf_and_its_body(web: Any, cast: Any, in_northwind: Any) -> None:
    create_service_account(cast["owner"], name="pipeline")
    entry = LedgerEntry.objects.order_by("-id").first()
    page = web("auditor").get(f"/o/northwind/audit/{entry.pk}/").text
    assert bytes(entry.leaf_hash).hex() in page
    assert "service_account.create" in page


@pytest.mark.django_db
def test_another_organizations_entry_is_absent(web: Any, cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        entry = LedgerEntry.objects.order_by("-id").first()
    assert web("auditor", "contoso-health").get(f"/o/contoso-health/audit/{entry.pk}/").status_code == 404
    assert web("auditor").get(f"/o/northwind/audit/{entry.pk}/").status_code == 200


@pytest.mark.django_db
def test_the_trail_is_exported_whole_and_without_formulas(web: Any, cast: Any, in_northwind: Any) -> None:
    create_service_account(cast["owner"], name="=1+1")
    answer = web("auditor").get("/o/northwind/audit/export.csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == LedgerEntry.objects.count() + 1
    assert any("'=1+1" in line for line in lines)
