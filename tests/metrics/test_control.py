"""Control charts, benchmarks, health and the wall over a process that changed on a known day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from metrics.models import DeclaredChange
from releasetrain.kernel.clock import now
from tests.metrics.test_rollups import train  # noqa: F401 - a fixture
from trains.models import Commit, Deployment, DeploymentCommit, Environment, Service

API = "/api/v1/orgs/northwind/metrics"
WEEKS = 26
CHANGED = 13


@pytest.fixture
def process(train: Any) -> Any:  # noqa: F811
    """Half a year of deployments whose lead time falls from about 50 to about 10 hours in the middle."""
    draw = Random(4)
    service, live = Service.objects.get(name="ledger"), Environment.objects.get(name="production")
    monday = now() - timedelta(days=now().weekday(), weeks=WEEKS)
    for week in range(WEEKS):
        for number in range(6):
            at = monday + timedelta(weeks=week, hours=26 + 20 * number)
            failed = draw.random() < 0.1
            state = "failed" if failed else "succeeded"
            made = Deployment.objects.create(
                service=service, environment=live, state=state, outcome=state, started_at=at, finished_at=at,
                emergency=number == 5,
            )  # fmt: skip
            hours = draw.gauss(50, 6) if week < CHANGED else draw.gauss(10, 2)
            commit = Commit.objects.create(
                service=service, sha=f"{week:020x}{number:020x}", authored_at=at - timedelta(hours=hours)
            )
            DeploymentCommit.objects.create(deployment=made, commit=commit)
    return monday + timedelta(weeks=CHANGED)


def control(api: Any, query: str = "") -> dict[str, Any]:
    answer = api("executive").get(f"{API}/control?measure=lead_time{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def figure(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in told["figures"] if each["name"] == name)


def declare(on: datetime, **more: Any) -> None:
    DeclaredChange.objects.create(title="Smaller batches", happened_on=on.date(), **more)


@pytest.mark.django_db
def test_an_undeclared_shift_is_a_signal_and_a_declared_one_begins_new_limits(process: Any, api: Any) -> None:
    before = control(api)
    assert figure(before, "signals")["value"] > 0
    assert figure(before, "signals")["band"] == "out of control"
    declare(process, resets=True, expected="Shorter lead times")
    after = control(api)
    assert figure(after, "mean")["value"] == pytest.approx(10, abs=2)
    assert figure(after, "signals")["value"] < figure(before, "signals")["value"]
    assert "since" in after["charts"][0]["finding"]
    row = after["tables"][0]["rows"][0]
    assert row[2] == "yes"
    assert "fell" in row[3]
    assert row[4] == "Shorter lead times"


@pytest.mark.django_db
def test_a_change_that_changed_nothing_is_told_so(process: Any, api: Any) -> None:
    declare(process - timedelta(weeks=7))
    first = process - timedelta(weeks=CHANGED)
    told = control(api, f"&from={first.date()}&until={(process - timedelta(days=1)).date()}")
    row = told["tables"][0]["rows"][0]
    assert row[2] == "no signal", row


@pytest.mark.django_db
def test_rules_are_chosen_by_standard_and_number(process: Any, api: Any) -> None:
    def rules(query: str) -> set[int]:
        answer = api("executive").get(f"{API}/control/signals?measure=lead_time{query}").json()
        return {row[2] for row in answer["behind"]["rows"]}

    assert rules("&rules=1") == {1}
    assert rules("&rules=2&rules=1") >= {2}
    assert rules("&standard=western_electric&rules=4") == {4}
    assert api("executive").get(f"{API}/control?rules=9").status_code == 422


@pytest.mark.django_db
@pytest.mark.parametrize("measure", ["deployments", "fail_rate", "recovery", "rework", "incidents"])
def test_every_measure_has_its_chart(process: Any, api: Any, web: Any, measure: str) -> None:
    assert web("executive").get(f"/o/northwind/metrics/control/?measure={measure}").status_code == 200


@pytest.mark.django_db
def test_a_change_of_another_team_does_not_move_the_limits(process: Any, api: Any) -> None:
    other = Service.objects.get(name="wallet")
    DeclaredChange.objects.create(title="Elsewhere", happened_on=process.date(), resets=True, service=other)
    told = control(api)
    assert "since" not in told["charts"][0]["finding"]
    ledger = Service.objects.get(name="ledger")
    assert all(
        row[2]["text"] != "Elsewhere" for row in control(api, f"&service={ledger.pk}")["tables"][1]["rows"]
    )


@pytest.mark.django_db
def test_emergencies_are_separable(process: Any, api: Any) -> None:
    def count(purpose: str) -> int:
        told = (
            api("executive")
            .get(f"{API}/delivery?purpose={purpose}&from={now().date() - timedelta(days=200)}")
            .json()
        )
        return figure(told, "deployment_frequency")["rows"]

    assert count("emergency") == WEEKS
    assert count("planned") == WEEKS * 5
    assert count("all") == count("emergency") + count("planned")
    told = (
        api("executive")
        .get(f"{API}/delivery?purpose=emergency&from={now().date() - timedelta(days=200)}")
        .json()
    )
    left_out = {e["reason"]: e["rows"] for e in figure(told, "deployment_frequency")["excluded"]}
    assert left_out["purpose"] == WEEKS * 5


@pytest.mark.django_db
def test_benchmarks_name_year_and_parts(process: Any, api: Any) -> None:
    told = api("executive").get(f"{API}/benchmarks?year=2024").json()
    assert figure(told, "change_lead_time")["band"] in ("elite", "high")
    assert {table["title"] for table in told["tables"]} == {
        "As published in 2024", "The same values in every report year", "By service",
    }  # fmt: skip
    assert told["tables"][1]["columns"][2:] == [
        "2018",
        "2019",
        "2020",
        "2021",
        "2022",
        "2023",
        "2024",
        "2025",
    ]
    assert (
        figure(api("executive").get(f"{API}/benchmarks?year=2025").json(), "change_lead_time")["band"]
        == "no tier"
    )


@pytest.mark.django_db
def test_health_flags_what_left_its_range_and_says_what_happened_then(
    process: Any, api: Any, web: Any
) -> None:
    week = process + timedelta(weeks=1)
    declare(process)
    until = (week - timedelta(days=week.weekday() + 1)).date()
    told = api("executive").get(f"{API}/health?until={until}").json()
    assert figure(told, "lead_time")["band"] == "below usual"
    assert any(
        "Smaller batches" in row[3] for row in told["tables"][0]["rows"] if row[0] == "Median lead time"
    )
    assert any("No forecast" in note for note in told["notes"])
    calm = api("executive").get(f"{API}/health?until={(process - timedelta(days=1)).date()}").json()
    assert figure(calm, "lead_time")["band"] == "usual"
    assert any("Median lead time: expect" in note for note in calm["notes"])
    pdf = web("executive").get(f"/o/northwind/metrics/health.pdf?until={until}").content
    assert re.findall(rb"/Type\s*/Pages.*?/Count\s+(\d+)", pdf, re.DOTALL) == [b"1"], "one page"


@pytest.mark.django_db
def test_the_wall_says_it_in_words_and_shapes(
    process: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    client = web("executive")
    client.get("/o/northwind/wall/")
    with django_assert_max_num_queries(26):
        page = client.get("/o/northwind/wall/").text
    assert "No open incident" in page
    assert page.count("wall-number") == 4
    assert 'http-equiv="refresh"' in page


@pytest.mark.django_db
def test_nobody_sees_another_organizations_wall(process: Any, web: Any) -> None:
    assert web("executive", "contoso-health").get("/o/northwind/wall/").status_code == 404
