"""Solution trains: members, increments that roll up, dependencies, and readiness at integration points."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planning.actions.features import complete_feature
from planning.queries.solution import roll_up
from releasetrain.kernel.refusals import Refused
from trains.actions import solutions as acts
from trains.models import SolutionMilestone, SolutionTrain, TrainReadiness

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 2)


@pytest.fixture
def solved(world: Any) -> Any:
    """Two trains in a solution, one beside it, an increment, an integration point."""
    from trains.actions.milestones import create_milestone
    from trains.actions.train_dependencies import create_train_dependency
    from trains.actions.trains import create_train

    rte = world.cast["rte"]
    world.lending = create_train(rte, key="LND", name="Lending", cadence_start=date(2026, 10, 5))
    world.cards = create_train(rte, key="CRD", name="Cards", cadence_start=date(2026, 10, 5))
    world.solution = acts.create_solution(rte, name="Retail bank", trains=[world.train, world.lending])
    world.quarter = acts.create_solution_increment(
        rte, solution=world.solution, name="Q4", starts=date(2026, 10, 1), ends=date(2027, 1, 1)
    )
    world.point = acts.create_solution_milestone(
        rte,
        solution=world.solution,
        name="Instant loans end to end",
        on=date(2026, 12, 1),
        kind=SolutionMilestone.Kind.INTEGRATION,
    )
    create_milestone(rte, train=world.train, name="Audit", on=date(2026, 11, 20))
    create_train_dependency(
        rte, provider=world.train, consumer=world.lending, what="postings", needed_by=date(2026, 11, 9)
    )
    create_train_dependency(
        rte, provider=world.cards, consumer=world.train, what="tokens", needed_by=date(2026, 11, 9)
    )
    create_train_dependency(
        rte, provider=world.cards, consumer=world.train, what="next year", needed_by=date(2027, 5, 9)
    )
    return world


def test_a_solution_rolls_up_its_trains(solved: Any) -> None:
    done, open_ = solved.feature("Refunds"), solved.feature("Reports")
    solved.place(done, solved.ledger, 1)
    solved.place(open_, solved.ledger, 2)
    complete_feature(solved.cast["rte"], done)
    found = roll_up(solved.solution, TODAY)
    assert found.increment == solved.quarter
    assert [(m.train.key, m.features, m.finished) for m in found.members] == [("LND", 0, 0), ("PAY", 2, 1)]
    assert [pi.name for pi in found.members[1].increments] == ["26.4"]
    assert [d.what for d in found.inside] == ["postings"]
    assert [d.what for d in found.outside] == ["tokens"]
    assert len(found.worrying) == 2
    assert [m.name for m in found.train_milestones] == ["Audit"]


def report(world: Any, train: Any, state: str, evidence: str = "") -> Any:
    return acts.report_readiness(
        world.cast["rte"],
        point=world.point,
        train=train,
        state=TrainReadiness.State(state),
        evidence=evidence,
    )


def test_an_integration_point_is_whole_when_every_train_shows_that_it_is_ready(solved: Any) -> None:
    (point,) = roll_up(solved.solution, TODAY).points
    assert (point.ready, point.whole) == (0, False)
    with pytest.raises(Refused) as refused:
        report(solved, solved.train, "ready")
    assert refused.value.refusals[0].field == "evidence"
    report(solved, solved.train, "at_risk")
    report(solved, solved.train, "ready", "Demo of 20 November")
    report(solved, solved.lending, "ready", "REL-4")
    (point,) = roll_up(solved.solution, TODAY).points
    assert (point.ready, point.whole) == (2, True)
    assert TrainReadiness.objects.count() == 2
    assert TrainReadiness.history.filter(train_id=solved.train.pk).count() == 2
    with pytest.raises(Refused) as refused:
        report(solved, solved.cards, "ready", "x")
    assert refused.value.refusals[0].field == "train"


def test_a_train_belongs_to_one_solution_until_it_leaves(solved: Any) -> None:
    rte = solved.cast["rte"]
    other = acts.create_solution(rte, name="Corporate bank")
    with pytest.raises(Refused) as refused:
        acts.add_train(rte, other, train=solved.lending)
    assert refused.value.refusals[0].blocked_by is not None
    acts.remove_train(rte, solved.solution, train=solved.lending, reason="Reorganized.")
    acts.add_train(rte, other, train=solved.lending)
    assert [m.train.key for m in roll_up(solved.solution, TODAY).members] == ["PAY"]
    acts.archive_solution(rte, SolutionTrain.objects.get(pk=solved.solution.pk))
    with pytest.raises(Refused):
        acts.add_train(rte, solved.solution, train=solved.cards)
    acts.add_train(rte, other, train=solved.train)


def test_increments_of_a_solution_do_not_overlap_and_end_after_they_start(solved: Any) -> None:
    rte = solved.cast["rte"]
    for starts, ends, field in (
        (date(2026, 12, 1), date(2027, 3, 1), "starts"),
        (date(2027, 3, 1), date(2027, 3, 1), "ends"),
    ):
        with pytest.raises(Refused) as refused:
            acts.create_solution_increment(rte, solution=solved.solution, name="X", starts=starts, ends=ends)
        assert refused.value.refusals[0].field == field


def test_page_and_endpoint_say_the_same_in_few_queries(
    solved: Any, web: Any, api: Any, django_assert_max_num_queries: Any
) -> None:
    report(solved, solved.train, "ready", "Demo of 20 November")
    client = web("rte")
    page = f"/o/northwind/solutions/{solved.solution.key}/"
    client.get(page)
    with django_assert_max_num_queries(60):
        text = client.get(page, {"increment": str(solved.quarter.pk)}).content.decode()
    assert "1 of 2 trains ready" in text
    assert "Demo of 20 November" in text
    address = "/api/v1/orgs/northwind/solution-rollup"
    said = api("rte").get(address, {"solution": solved.solution.key, "increment": "Q4"}).json()
    assert said["integration_points"][0]["trains"] == {"PAY": "ready", "LND": None}
    assert {d["what"]: d["inside"] for d in said["dependencies"]} == {"postings": True, "tokens": False}
    assert api("rte").get(address, {"solution": "SOL-99"}).status_code == 422
    assert api("rte").get(address, {"solution": solved.solution.key, "increment": "Q9"}).status_code == 422
