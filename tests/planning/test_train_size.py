"""Train size: guidance, load of dependencies between teams, and its tendency against throughput."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.actions.features import complete_feature
from planning.queries.train_size import coordination, sizes
from planning.rules.train_size import Load, fits, tendency

LOADS = st.builds(Load, st.just("26.1"), st.integers(0, 40), st.integers(0, 40), st.integers(0, 99))


@given(st.integers(0, 40), st.integers(0, 400))
def test_the_guidance_includes_its_ends(teams: int, people: int) -> None:
    size, crowd = fits(teams, people)
    assert size.inside == (5 <= teams <= 12)
    assert crowd.inside == (50 <= people <= 125)
    assert size.sentence.startswith("within") == size.inside


@given(st.lists(LOADS, max_size=14))
def test_a_tendency_needs_three_increments_that_differ(loads: list[Load]) -> None:
    r, said = tendency(loads)
    usable = [each for each in loads if each.features]
    if len(usable) < 3:
        assert r is None
    if r is not None:
        assert -1.0001 <= r <= 1.0001
    assert said.endswith(".")


def test_more_load_and_less_finished_is_said() -> None:
    r, said = tendency([Load(str(n), 10, 10 - n, n) for n in range(5)])
    assert r == pytest.approx(-1)
    assert "the less was finished" in said


@pytest.fixture
def worked(world: Any) -> Any:
    """Two teams: one feature finished, one needing the other team's, one needing its own team's."""
    posting = world.feature("Posting API")
    refunds, report = world.feature("Refunds"), world.feature("Report")
    world.place(posting, world.ledger, 1)
    world.place(refunds, world.acquiring, 2)
    world.place(report, world.acquiring, 3)
    world.needs(refunds, posting)
    world.needs(report, refunds)
    complete_feature(world.cast["rte"], posting)
    return world


@pytest.mark.django_db
def test_only_dependencies_between_teams_count(worked: Any) -> None:
    found = coordination(worked.train, date(2026, 11, 1))
    (period,) = found.periods
    assert (period.load.features, period.load.finished, period.load.dependencies) == (3, 1, 1)
    assert not period.over
    assert found.r is None
    assert coordination(worked.train, date(2027, 1, 1)).periods[0].over
    (size,) = [s for s in sizes() if s.train == worked.train]
    assert (size.teams.value, size.people.value) == (2, 11)


@pytest.mark.django_db
def test_page_and_endpoint_say_the_same_in_few_queries(
    worked: Any, api: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    client = web("rte")
    client.get("/o/northwind/train-size/")
    with django_assert_max_num_queries(30):
        text = client.get("/o/northwind/train-size/", {"train": "PAY"}).content.decode()
    assert "below the guidance of 5 to 12" in text
    assert f"pi={worked.pi.pk}&amp;state=done" in text
    said = api("rte").get("/api/v1/orgs/northwind/train-size", {"train": "PAY"}).json()
    first = said["increments"][0]
    assert (first["pi"], first["features"], first["finished"]) == ("26.4", 3, 1)
    assert (first["dependencies_between_teams"], first["load"]) == (1, pytest.approx(1 / 3))
    assert api("rte").get("/api/v1/orgs/northwind/train-size", {"train": "NONE"}).status_code == 422
