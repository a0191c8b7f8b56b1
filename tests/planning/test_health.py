"""Agile health: ceremonies, follow-through, self-assessments over time; predictability by page and REST."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.health import DIMENSIONS, follow_through
from releasetrain.interface.charts import radar_chart
from releasetrain.kernel.refusals import Refused

TODAY = date(2026, 11, 21)
days = st.dates(date(2026, 10, 1), date(2026, 12, 31))
actions = st.one_of(
    st.tuples(days, st.just("open"), st.none()),
    st.tuples(days, st.sampled_from(["done", "dropped"]), days),
)


@given(st.lists(actions, max_size=30))
def test_follow_through_never_counts_what_is_not_due(rows):
    found = follow_through(rows, TODAY)
    assert found.on_time <= found.done <= found.due
    assert found.overdue + found.done <= found.due
    assert found.percent is None or 0 <= found.percent <= 100
    future = [(TODAY + timedelta(days=5), "open", None), (TODAY, "dropped", TODAY)]
    assert follow_through([*rows, *future], TODAY) == found


@given(st.lists(st.lists(st.integers(1, 5), min_size=8, max_size=8), min_size=1, max_size=4))
def test_the_radar_draws_every_round_and_holds_every_number_as_a_table(rounds):
    series = {f"Round {n}": values for n, values in enumerate(rounds)}
    chart = radar_chart("Ledger", [title for title, _ in DIMENSIONS.values()], series)
    assert chart.svg.count("<polyline") >= 5 + len(rounds)
    assert chart.columns == ["Dimension", *series]
    assert [row[-1] for row in chart.rows] == [str(v) for v in rounds[-1]]
    assert "style=" not in chart.svg


def assess(world: Any, day: date, score: int) -> Any:
    from planning.actions.health import record_assessment

    scores = dict.fromkeys(DIMENSIONS, score)
    return record_assessment(world.cast["rte"], team=world.ledger, held_on=day, **scores)


def test_a_team_is_assessed_over_time_and_only_once_a_day(world, web):
    assess(world, date(2026, 8, 3), 2)
    assess(world, date(2026, 10, 5), 4)
    with pytest.raises(Refused) as caught:
        assess(world, date(2026, 10, 5), 5)
    assert caught.value.code == "database.assessment_once_a_day"
    page = web("rte").get("/o/northwind/ceremonies/health/").content.decode()
    assert "since the time before 8 better, 0 worse" in page
    assert "Not assessed yet" in page, "the other team"


def test_what_a_ceremony_agrees_is_followed_through(world, web):
    from planning.actions.health import agree_action, finish_action, record_ceremony
    from planning.models import CeremonyAction, CeremonyKind
    from planning.queries.increments import today_of

    rte, today = world.cast["rte"], today_of(world.train)
    held = record_ceremony(rte, train=world.train, kind=CeremonyKind.RETROSPECTIVE, team=world.ledger)
    item = agree_action(
        rte, held, title="Pair on reviews", owner=world.cast.user("team_member"), due_on=today
    )
    with pytest.raises(Refused):
        finish_action(rte, item, outcome=" ")
    page = web("rte").get("/o/northwind/ceremonies/health/").content.decode()
    assert "Pair on reviews" in page
    finish_action(rte, item, outcome="Two reviewers know the ledger.")
    assert CeremonyAction.objects.get().finished_on == today
    assert "100 % in time" in web("rte").get("/o/northwind/ceremonies/health/").content.decode()


def test_predictability_by_page_and_rest_is_the_published_formula(world, web, api):
    from planning.actions.objectives import create_objective, score_objective
    from trains.models import ProgramIncrement

    rte = world.cast["rte"]
    made = [
        create_objective(rte, pi=world.pi, team=team, title=f"O{n}", planned_value=planned, uncommitted=extra)
        for n, (team, planned, extra) in enumerate(
            [(world.ledger, 8, False), (world.ledger, 5, True), (world.acquiring, 10, False)]
        )
    ]
    pi = ProgramIncrement.objects.get(pk=world.pi.pk)
    pi.state = "committed"
    pi.save()
    for objective, actual in zip(made, (6, 3, 4), strict=True):
        score_objective(rte, objective, actual_value=actual)
    found = api("rte").get(f"/api/v1/orgs/northwind/predictability?train=PAY&pi={pi.pk}").json()["items"][0]
    # Uncommitted objectives count in the numerator only: Ledger (6+3)/8, Acquiring 4/10, the train 13/18.
    assert {t["name"]: t["percent"] for t in found["teams"]} == {"Ledger Core": 112.5, "Acquiring": 40.0}
    assert found["train"]["percent"] == round(100 * 13 / 18, 2)
    assert (found["train"]["in_band"], found["band"]) == (False, [80, 100])
    page = web("rte").get("/o/northwind/objectives/predictability/").content.decode()
    assert "13 of 18 planned business value" in page
    assert "112 %" in page or "113 %" in page
    rest = api("rte")
    assert rest.get("/api/v1/orgs/northwind/predictability").status_code == 422
    assert rest.get("/api/v1/orgs/northwind/predictability?train=NONE").status_code == 404
    assert rest.get("/api/v1/orgs/northwind/predictability?train=PAY&pi=x").status_code == 404
