"""What people see of configuration and readiness: pages, panels of a release, and that more rows cost no more queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import FlagKind
from tests.governance.test_readiness import (
    answered,
    audited,
    flagged,
    readiness,
    requirement,
)
from tests.trains.conftest import World
from tests.trains.test_configuration import hangs, made
from tests.trains.test_drift import seen
from trains.actions import configuration_baselines as baselines
from trains.actions import scope

ORG = "/o/northwind"


@pytest.fixture
def world(cast: Any, in_northwind: Any) -> World:
    return World(cast)


def text(web: Any, path: str, role: str = "release_manager") -> str:
    answer = web(role).get(f"{ORG}{path}")
    assert answer.status_code == 200, answer.content[:300]
    return " ".join(answer.content.decode().split())


def test_without_items_the_page_says_how_to_begin(world: Any, web: Any) -> None:
    assert "Nothing is under configuration management yet" in text(web, "/configuration/")
    assert "No item runs here yet" in text(web, "/configuration/drift/")


def test_the_graph_links_every_item_and_the_list_says_each_way(world: Any, web: Any) -> None:
    ledger, portal = made(world, "ledger"), made(world, "portal")
    database = made(world, "database")
    hangs(world, ledger, "depends_on", database)
    hangs(world, portal, "depends_on", ledger)
    shown = text(web, f"/configuration/?item={ledger.key}")
    for item in (ledger, portal, database):
        assert f'href="?item={item.key}" aria-label="{item.key} {item.name}' in shown
    assert "ledger → needed by portal" in shown
    assert "There is no item CI-999" in text(web, "/configuration/?item=CI-999&hops=x")
    assert "There is no release" in text(web, "/configuration/?release=REL-99")
    assert "ledger → needed by portal" in text(web, f"/configuration-items/{ledger.key}/")


def test_drift_offers_to_tolerate_only_to_those_who_may(world: Any, web: Any) -> None:
    made(world, "ledger", expected={"tls": "1.3"})
    seen(world, {"id": "ledger", "state": {"tls": "1.2"}}, {"id": "miner"})
    shown = text(web, "/configuration/drift/", "compliance_officer")
    assert "tls should be 1.3, is 1.2" in shown and "do/tolerate?fingerprint=sha256" in shown
    assert "no item stands for it" in shown
    assert "do/tolerate?fingerprint" not in text(web, "/configuration/drift/", "team_member")


def test_more_drift_costs_no_more_queries(world: Any, web: Any) -> None:
    def cost() -> int:
        client = web("compliance_officer")
        client.get(f"{ORG}/configuration/drift/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"{ORG}/configuration/drift/").status_code == 200
        return len(queries)

    for n in range(2):
        made(world, f"item {n}", expected={"a": 1})
    seen(world, *({"id": f"item {n}", "state": {"a": 2}} for n in range(2)), hours=1)
    few = cost()
    for n in range(2, 12):
        made(world, f"item {n}", expected={"a": 1})
    seen(world, *({"id": f"item {n}", "state": {"a": 2}} for n in range(12)))
    assert cost() <= few + 1


def test_the_release_says_what_disagrees_and_what_it_touches(world: Any, web: Any) -> None:
    release = world.release()
    made(world, "ledger", service=world.ledger)
    scope.attach_artifact(world.as_["release_manager"], release, artifact=world.artifact())
    shown = text(web, f"/releases/{release.key}/")
    assert "is in no baseline of the release" in shown and "Freeze a baseline" in shown
    assert "Nobody has said what this release touches" in shown
    flagged(world, FlagKind.AUTHENTICATION, release=release)
    shown = text(web, f"/releases/{release.key}/")
    assert "has no dynamic analysis (DAST)" in shown and "2 to settle" in shown


def test_readiness_of_services_and_the_pages_behind_it(world: Any, web: Any) -> None:
    readiness.create_checklist(world.as_["compliance_officer"], tier=1)
    review = answered(world)
    row = requirement(world)
    for value in (210, 190, 340):
        readiness.measure_requirement(world.as_["service_account"], row, value=value)
    shown = text(web, "/readiness/")
    assert "is awaiting sign-off" in shown and "0 of 1 met" in shown and "Not met" in shown
    shown = text(web, f"/readiness-reviews/{review.key}/", "compliance_officer")
    assert "Sign off" in shown and "Does an alert reach somebody" in shown and "wiki/ledger" in shown
    shown = text(web, f"/service-requirements/{row.key}/")
    assert "<svg" in shown and "at most 300 ms" in shown


def test_the_report_of_an_audit_on_its_page_and_as_json(world: Any, web: Any, api: Any) -> None:
    release = world.release()
    ledger = made(world, "ledger", service=world.ledger, expected={"tls": "1.3"})
    scope.attach_artifact(world.as_["release_manager"], release, artifact=world.artifact())
    seen(world, {"id": "ledger", "state": {"tls": "1.2"}})
    audit = audited(world, release)
    shown = text(web, f"/configuration-audits/{audit.key}/", "compliance_officer")
    assert "tls should be 1.3, is 1.2" in shown and "in no baseline" in shown and "Conclude" in shown
    served = api("auditor").get(f"/api/v1/orgs/northwind/configuration-audits/{audit.key}").json()
    assert served["report"]["items"][0]["key"] == ledger.key and served["report"]["open"] == 2


def test_a_deployment_links_to_the_baseline_of_its_build(world: Any, web: Any, api: Any) -> None:
    release = world.release()
    made(world, "ledger", service=world.ledger)
    unit = world.artifact()
    scope.attach_artifact(world.as_["release_manager"], release, artifact=unit)
    frozen = baselines.freeze_baseline(world.as_["release_manager"], release=release)
    deployed = world.deploy(digest=unit.digest, environment=world.staging)
    assert f"/configuration-baselines/{frozen.key}/" in text(web, f"/deployments/{deployed.pk}/")
    path = "/api/v1/orgs/northwind/configuration-baselines"
    for digest, count in ((unit.digest, 1), ("sha256:" + "f" * 64, 0)):
        assert len(api("auditor").get(f"{path}?unit={digest}").json()["items"]) == count
