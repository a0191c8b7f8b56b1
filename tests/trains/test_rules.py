"""Rules of trains: cadence, freezes, packaging, settling of deployment reports, rollbacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from trains.rules import cadence, packaging
from trains.rules.freezes import Window, applies, covers, first_free
from trains.rules.rollbacks import Past, undoings
from trains.rules.settling import Report, disagreement, settle

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


# -- cadence


def test_ten_weeks_give_five_iterations_and_the_last_is_for_innovation() -> None:
    found = cadence.iterations(date(2026, 9, 28), 10, 2, ip=True)
    assert [i.number for i in found] == [1, 2, 3, 4, 5]
    assert [i.innovation for i in found] == [False] * 4 + [True]
    assert found[-1].ends == cadence.increment_ends(date(2026, 9, 28), 10)


@given(weeks=st.integers(1, 26), length=st.integers(1, 8))
def test_iterations_fill_the_increment_without_gap(weeks: int, length: int) -> None:
    starts = date(2026, 1, 5)
    found = cadence.iterations(starts, weeks, min(length, weeks), ip=True)
    assert found[0].starts == starts
    assert found[-1].ends == starts + timedelta(weeks=weeks)
    assert all(a.ends == b.starts for a, b in pairwise(found))


def test_the_next_increment_begins_on_a_boundary_of_the_cadence() -> None:
    start = date(2026, 1, 5)
    assert cadence.boundary_on_or_after(start, 10, start) == start
    assert cadence.boundary_on_or_after(start, 10, start + timedelta(days=1)) == start + timedelta(weeks=10)
    assert cadence.boundary_on_or_after(start, 10, date(2025, 1, 1)) == start
    assert [cadence.increment_name(start, 10, start + timedelta(weeks=10 * n)) for n in range(6)] == [
        "26.1",
        "26.2",
        "26.3",
        "26.4",
        "26.5",
        "26.6",
    ]


def test_the_day_after_the_last_is_outside() -> None:
    assert cadence.day_number(date(2026, 1, 5), date(2026, 1, 19), date(2026, 1, 5)) == 1
    assert cadence.day_number(date(2026, 1, 5), date(2026, 1, 19), date(2026, 1, 18)) == 14
    assert cadence.day_number(date(2026, 1, 5), date(2026, 1, 19), date(2026, 1, 19)) is None


# -- freezes


def test_a_freeze_is_half_open() -> None:
    freeze = Window(at(0), at(2))
    assert covers(freeze, at(0))
    assert not covers(freeze, at(2))
    assert first_free([freeze], at(2)) == at(2)
    assert first_free([freeze], at(1)) == at(2)


def test_freezes_that_touch_leave_no_gap_to_deploy_in() -> None:
    assert first_free([Window(at(2), at(5)), Window(at(0), at(2)), Window(at(6), at(7))], at(1)) == at(5)


def test_a_freeze_is_about_what_it_names() -> None:
    everywhere = Window(at(0), at(1))
    production = Window(at(0), at(1), train="PAY", environment="production")
    assert applies(everywhere, train="PAY", environment="test", service="ledger")
    assert applies(production, train="PAY", environment="production", service="ledger")
    assert not applies(production, train="PAY", environment="test", service="ledger")
    assert not applies(production, train=None, environment="production", service="ledger")


# -- packaging


def test_a_problem_fix_release_carries_no_features() -> None:
    found = packaging.violations(
        "problem_fix",
        packaging.Profile("PAY", None, 3),
        [packaging.Item("PRB-3 Fix retry", "problem_fix"), packaging.Item("FEAT-9 New menu", "feature")],
    )
    assert [v.item.label for v in found] == ["FEAT-9 New menu"]
    assert "FEAT-9 New menu" in found[0].sentence


def test_each_item_beyond_the_limit_of_the_tier_is_named() -> None:
    items = [packaging.Item(f"FEAT-{n}", "feature") for n in range(1, 15)]
    assert [
        v.item.label for v in packaging.violations("feature", packaging.Profile("PAY", None, 1), items)
    ] == ["FEAT-13", "FEAT-14"]
    assert packaging.violations("feature", packaging.Profile("PAY", None, 4), items) == []


# -- settling


def report(status: str, **said: object) -> Report:
    said = {"started_at": at(0), "finished_at": None if status == "running" else at(1), **said}
    return Report(service="ledger", environment="production", status=status, **said)  # type: ignore[arg-type]


reports = st.builds(
    report,
    st.sampled_from(["running", "succeeded", "failed", "rolled_back", "cancelled"]),
    started_at=st.integers(-3, 0).map(at),
    version=st.sampled_from(["", "1.4.0"]),
    commit=st.sampled_from(["", "abc123"]),
    emergency=st.booleans(),
    rework=st.booleans(),
    kind=st.sampled_from(["deploy", "rollback"]),
    url=st.sampled_from(["", "https://ci/1", "https://ci/2"]),
    deployed_by_name=st.sampled_from(["", "pipeline"]),
)


@st.composite
def ended(draw: st.DrawFn) -> Report:
    from dataclasses import replace

    each = draw(reports)
    return each if each.status == "running" else replace(each, finished_at=at(draw(st.integers(1, 4))))


@given(st.lists(ended(), min_size=1, max_size=5), st.randoms())
def test_reports_settle_to_the_same_state_in_any_order_and_when_repeated(
    found: list[Report], random: object
) -> None:
    expected = settle(found)
    shuffled = [*found, *found]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settle(shuffled) == expected


@given(ended(), ended(), ended())
def test_it_does_not_matter_which_reports_are_merged_first(a: Report, b: Report, c: Report) -> None:
    assert settle([settle([a, b]), c]) == settle([a, settle([b, c])])


def test_the_end_that_came_first_is_not_undone_by_the_late_start() -> None:
    settled = settle([report("succeeded"), report("running", started_at=at(-1))])
    assert (settled.status, settled.started_at, settled.finished_at) == ("succeeded", at(-1), at(1))


def test_a_retry_that_ends_later_decides() -> None:
    assert settle([report("succeeded", finished_at=at(2)), report("failed")]).status == "succeeded"


def test_two_reports_of_one_id_may_not_name_two_versions() -> None:
    assert disagreement(report("running", version="1.0.0"), report("succeeded", version="1.0.1")) == "version"
    assert disagreement(report("running"), report("succeeded", version="1.0.1")) is None


# -- rollbacks


def deploy(name: str, hour: int, version: str, kind: str = "deploy", outcome: str = "succeeded") -> Past:
    return Past(name, kind, outcome, version, at(hour))


def test_a_rollback_undoes_the_latest_and_restores_the_one_before() -> None:
    history = [deploy("a", 1, "1"), deploy("b", 2, "2"), deploy("back", 3, "", "rollback")]
    link = undoings(history)["back"]
    assert (link.rolls_back, link.restores, link.completed) == ("b", "a", True)


def test_two_rollbacks_in_a_row_walk_back_two_versions() -> None:
    history = [
        deploy("a", 1, "1"),
        deploy("b", 2, "2"),
        deploy("c", 3, "3"),
        deploy("back-1", 4, "", "rollback"),
        deploy("back-2", 5, "", "rollback"),
    ]
    links = undoings(history)
    assert (links["back-1"].rolls_back, links["back-1"].restores) == ("c", "b")
    assert (links["back-2"].rolls_back, links["back-2"].restores) == ("b", "a")


def test_a_rollback_that_failed_undoes_nothing() -> None:
    history = [deploy("a", 1, "1"), deploy("b", 2, "2"), deploy("back", 3, "1", "rollback", "failed")]
    assert undoings(history)["back"].rolls_back is None


def test_links_do_not_depend_on_the_order_of_reports() -> None:
    history = [
        deploy("a", 1, "1"),
        deploy("b", 2, "2"),
        deploy("c", 3, "3"),
        deploy("back", 4, "2", "rollback"),
    ]
    expected = undoings(history)
    assert all(undoings(order) == expected for order in permutations(history))
