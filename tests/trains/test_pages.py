"""The pages of trains: cockpit, overview, calendar; and the same through REST."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from trains.actions.freezes import create_freeze
from trains.actions.milestones import create_milestone
from trains.models import Release


def get(client: Any, path: str) -> str:
    response = client.get(f"/o/northwind/{path}")
    assert response.status_code == 200, response.content[:2000]
    return str(response.content.decode())


@pytest.fixture(autouse=True)
def only_own_panels(monkeypatch: Any) -> None:
    """What other apps plug in is their tests' affair."""
    from trains import ports

    monkeypatch.setattr(ports, "_panels", [])


@pytest.fixture
def full(world: Any, moment: Any) -> Any:
    """A frozen, approved release on its way, a freeze it collides with, a milestone."""
    world.live = world.approved("5.2.0", target_at=moment(48))
    world.deploy("5.1.0", started_at=moment(-30), finished_at=moment(-30))
    world.deploy("5.2.0", environment=world.staging, digest="sha256:" + "a" * 64, release=world.live)
    create_freeze(
        world.as_["rte"],
        name="Year end",
        starts=moment(24),
        ends=moment(72),
        reason="Books",
        environment=world.production,
    )
    create_milestone(world.as_["rte"], train=world.train, name="Audit", on=moment(24).date())
    return world


def test_the_cockpit_shows_stage_scope_and_what_runs_where(full: Any, web: Any) -> None:
    page = get(web("release_manager"), f"releases/{full.live.key}/")
    assert "Release 5.2.0" in page
    assert "FEAT-1" in page
    assert "as released here" in page
    assert "another version than this release" in page
    assert re.search(r'aria-current="step">\s*Production', page)
    assert "Start deploying" in page


def test_other_apps_plug_panels_into_the_cockpit(full: Any, web: Any) -> None:
    from trains import ports

    ports.cockpit_panels(
        lambda request, release: ("Gates", "components/notice.html", {"text": f"{release.key} waits"}, 10)
    )
    ports.cockpit_panels(lambda request, release: None)
    page = get(web("auditor"), f"releases/{full.live.key}/")
    assert "<h2>Gates</h2>" in page
    assert f"{full.live.key} waits" in page


def test_the_cost_of_a_cockpit_does_not_grow_with_its_content(full: Any, web: Any) -> None:
    client = web("release_manager")
    path = f"/o/northwind/releases/{full.live.key}/"
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as small:
        client.get(path)
    from tests.trains.emergency import critical_defect, way_in
    from trains.actions.scope import add_item

    way = way_in(full.as_, full.ledger)
    for n in range(8):
        way |= critical_defect(full.as_, full.ledger)
        add_item(full.as_["release_manager"], full.live, title=f"Fix {n}", classification="hotfix", **way)
        full.deploy("5.2.0", environment=full.test, release=full.live)
    with CaptureQueriesContext(connection) as large:
        client.get(path)
    assert len(large) <= len(small) + 2
    assert len(large) < 70


def test_the_overview_says_where_the_train_stands(full: Any, web: Any) -> None:
    page = get(web("rte"), "trains/PAY/")
    assert "Payments" in page
    assert "Ledger" in page
    assert "5.2.0" in page
    assert "Year end" in page


def test_a_new_train_is_guided_through_its_setup(world: Any, web: Any) -> None:
    from datetime import date

    from trains.actions.trains import create_train

    create_train(world.as_["rte"], key="NEW", name="New train", cadence_start=date(2026, 1, 5))
    assert "Set up this train" in get(web("rte"), "trains/NEW/")


@pytest.mark.parametrize("view", ["timeline", "month", "list"])
def test_the_calendar_shows_releases_freezes_and_their_conflict(
    full: Any, web: Any, view: str, moment: Any
) -> None:
    page = get(web("executive"), f"calendar/?view={view}&from={moment(0).date()}")
    assert "5.2.0" in page
    assert "Year end" in page
    assert "Audit" in page
    assert "Nearest free slot" in page


def test_the_calendar_of_one_train_leaves_others_out(full: Any, web: Any, moment: Any) -> None:
    from datetime import date

    from trains.actions.trains import create_train

    create_train(full.as_["rte"], key="MOB", name="Mobile", cadence_start=date(2026, 1, 5))
    page = get(web("rte"), f"calendar/?train=MOB&from={moment(0).date()}")
    assert full.live.key not in page
    assert "Year end" in page


def test_an_empty_or_strange_period_is_still_a_page(world: Any, web: Any) -> None:
    assert "Nothing in this period" in get(web("rte"), "calendar/?from=1999-01-01")
    assert "Release calendar" in get(web("rte"), "calendar/?from=yesterday&days=7&view=fish&train=NOPE")


def test_the_calendar_costs_the_same_for_many_deployments(full: Any, web: Any) -> None:
    client = web("rte")
    client.get("/o/northwind/calendar/")
    with CaptureQueriesContext(connection) as found:
        client.get("/o/northwind/calendar/")
    assert len(found) < 60


# -- REST


def test_a_pipeline_reports_a_deployment_by_names(world: Any, api: Any) -> None:
    pipeline = api("service_account")
    body = {
        "service": "ledger",
        "environment": "production",
        "version": "1.0.0",
        "commit": "abc1234",
        "status": "succeeded",
        "source": "ci",
        "external_id": "run-1",
    }
    address = "/api/v1/orgs/northwind/deployments/record"
    first = pipeline.post(address, body)
    again = pipeline.post(address, body)
    assert first.status_code in (200, 201), first.content
    assert first.json()["id"] == again.json()["id"]
    assert pipeline.post(address, body | {"version": "2.0.0"}).status_code == 409
    assert pipeline.post(address, body | {"service": "nothing"}).status_code == 422
    assert api("executive").post(address, body).status_code == 403


def test_a_release_is_created_and_moved_through_rest(world: Any, api: Any) -> None:
    manager = api("release_manager")
    root = "/api/v1/orgs/northwind/releases"
    made = manager.post(root, {"train": "PAY", "version": "5.2.0"})
    assert made.status_code == 201, made.content
    key = made.json()["key"]
    assert manager.post(f"{root}/{key}/scope", {}).status_code == 409
    assert manager.post(f"{root}/{key}/add_item", {"title": "Instant payments"}).status_code in (200, 201)
    assert manager.post(f"{root}/{key}/scope", {}).json()["state"] == "scoped"
    assert Release.objects.get(key=key).state == "scoped"


def test_another_organization_sees_nothing_of_it(cast: Any, within: Any, web: Any, api: Any) -> None:
    from tests.trains.conftest import World

    with within(cast, "rte"):
        release = World(cast).release()
    page = web("owner", "contoso-health").get(f"/o/contoso-health/releases/{release.pk}/")
    answer = api("owner", "contoso-health").get(f"/api/v1/orgs/contoso-health/releases/{release.pk}")
    assert (page.status_code, answer.status_code) == (404, 404)
