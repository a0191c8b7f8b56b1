"""Forecast, aging and effort on their page and through REST, read from what really happened."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from time_machine import travel

from releasetrain.kernel.refusals import Refused


def monday(weeks_back: int = 0) -> date:
    today = date.today()
    return today - timedelta(days=today.weekday() + 7 * weeks_back)


def record(world: Any, weeks_back: int, features: int, points: int = 0, team: Any = None) -> Any:
    from planning.actions.throughput import record_week

    return record_week(
        world.cast["rte"],
        team=team or world.acquiring,
        week=monday(weeks_back) + timedelta(days=2),
        features=features,
        points=points,
        source="tracker",
    )


def outlook(world: Any, **options: Any) -> Any:
    from planning.queries.forecast import outlook

    return outlook(world.train, **options)


def finish(world: Any, feature: Any) -> None:
    from planning.actions.features import complete_feature, start_feature

    world.place(feature, world.acquiring, 1)
    start_feature(world.cast["rte"], feature)
    complete_feature(world.cast["rte"], feature)


def test_recorded_weeks_make_a_forecast_that_names_its_history(world):
    for back in range(1, 9):
        record(world, back, 2)
    for n in range(5):
        world.feature(f"Open {n}", points=3)
    found = outlook(world)
    assert (found.remaining, [w.done for w in found.history]) == (5, [2] * 8)
    assert [d.weeks for d in found.forecast.dates] == [3, 3, 3]
    assert found.sources == ["tracker"]
    assert "10,000 runs with seed 1, each drawing from 8 weeks" in found.forecast.sentence
    assert outlook(world, seed=9).forecast.seed == 9
    assert outlook(world, points=True).refusal == "Nothing was finished in the weeks of the history."


def test_own_history_counts_from_the_week_of_the_first_finished_feature(world):
    for back in range(1, 9):
        record(world, back, 4)
    finish(world, world.feature("First", points=5))
    found = outlook(world)
    # The running week is left out: what was finished today is not yet part of the history.
    assert [w.source for w in found.history] == ["tracker"] * 8
    with travel(monday(-3) + timedelta(days=1)):
        later = outlook(world)
        assert [(w.source, w.done) for w in later.history[-3:]] == [("here", 1), ("here", 0), ("here", 0)]
        points = outlook(world, points=True)
        assert [w.done for w in points.history[-3:]] == [5, 0, 0]


def test_a_team_has_its_own_history_and_remainder(world):
    for back in range(1, 6):
        record(world, back, 3, 9)
        record(world, back, 1, 2, world.ledger)
    world.feature("Mine", team=world.ledger, points=4)
    world.feature("Theirs", team=world.acquiring)
    found = outlook(world, team=world.ledger)
    assert (found.remaining, {w.done for w in found.history}) == (1, {1})
    assert {w.done for w in outlook(world).history} == {4}
    assert outlook(world, team=world.ledger, points=True).remaining == 4


def test_without_history_the_answer_says_what_is_missing(world):
    assert outlook(world).refusal == "A forecast needs 4 finished weeks; there are 0."


def test_a_week_is_recorded_once_and_never_before_it_ended(world):
    from planning.models import ThroughputWeek

    record(world, 2, 4)
    record(world, 2, 6)
    assert ThroughputWeek.objects.get().features == 6
    with pytest.raises(Refused, match="This week is not over") as caught:
        record(world, 0, 1)
    assert caught.value.refusals[0].field == "week"


def test_a_program_increment_is_forecast_against_its_end(world):
    for back in range(1, 6):
        record(world, back, 1)
    inside = world.feature("Inside")
    world.place(inside, world.acquiring, 2)
    world.feature("Outside")
    found = outlook(world, pi=world.pi)
    assert (found.remaining, found.until) == (1, world.pi.ends)
    weeks = (world.pi.ends - date.today()).days // 7
    assert found.forecast.share_by_then == (1.0 if weeks >= 1 else 0.0)


def test_age_is_counted_from_the_last_change_of_state(world):
    from planning.actions.features import analyse_feature, create_feature
    from planning.queries.aging import aging
    from releasetrain.kernel.clock import now

    cast = world.cast
    old = create_feature(cast["rte"], train=world.train, title="Old")
    analyse_feature(cast["rte"], old)
    create_feature(cast["rte"], train=world.train, title="Fresh")
    # The time of history is the database's own: the test reads it later instead of writing it earlier.
    with travel(now() + timedelta(days=40)):
        found = aging(world.train)
        by_title = {each.feature.title: each for each in found.standing}
        assert by_title["Old"].days == pytest.approx(40, abs=0.1)
        assert dict(by_title["Old"].before)["funnel"] == pytest.approx(0, abs=0.1)
        assert by_title["Old"].stale  # analysis: 30 days, while too few have passed through
        assert not by_title["Fresh"].stale
        assert [each.feature.pk for each in found.stale] == [old.pk]


def test_effort_refines_what_is_not_begun(world):
    from planning.models import WorkItem
    from planning.queries.forecast import efforts
    from releasetrain.audit.history import bulk_create_tracked
    from releasetrain.kernel.clock import now

    bulk_create_tracked(
        [
            WorkItem(
                team=world.acquiring,
                title=f"Story {n}",
                state="done",
                estimate_hours=8,
                spent_hours=12,
                finished_at=now(),
            )
            for n in range(5)
        ]
    )
    feature = world.feature("Next", team=world.acquiring, points=5)
    world.feature("Other team", team=world.ledger, points=5)
    acquiring, ledger = efforts(world.train)
    assert acquiring.experience.ratio == 1.5
    assert [(f.pk, p) for f, p in acquiring.refined] == [(feature.pk, 8)]
    assert not ledger.experience.known
    assert ledger.refined == ()


def test_the_page_and_the_api_answer_and_refuse(world, web, api, django_assert_max_num_queries):
    for back in range(1, 9):
        record(world, back, back % 3)
    for n in range(12):
        world.feature(f"Open {n}")
    client = web("rte")
    client.get("/o/northwind/forecast/")
    with django_assert_max_num_queries(40):
        html = client.get("/o/northwind/forecast/", {"train": "PAY", "pi": str(world.pi.pk)}).content.decode()
    assert "85 % likely" in html
    assert client.get("/o/northwind/forecast/", {"weeks": "1"}).status_code == 422
    rest = api("rte")
    one = rest.get("/api/v1/orgs/northwind/forecast", {"train": "PAY", "seed": "5"}).json()
    two = rest.get("/api/v1/orgs/northwind/forecast", {"train": "PAY", "seed": "5"}).json()
    assert one == two
    assert [d["percent"] for d in one["dates"]] == [50, 85, 95]
    assert (one["seed"], one["remaining"], len(one["history"])) == (5, 12, 8)
    ages = rest.get("/api/v1/orgs/northwind/aging", {"train": "PAY"}).json()
    assert len(ages["features"]) == 12
    for bad in (
        {"seed": "-1"},
        {"weeks": "x"},
        {"unit": "hours"},
        {"team": "NONE"},
        {"pi": "9.9"},
        {"train": "NO"},
    ):
        assert rest.get("/api/v1/orgs/northwind/forecast", bad).status_code == 422
