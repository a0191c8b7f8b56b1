"""Coverage by period and assessments: every number has its rows, nothing unmapped or idle reads as satisfied."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.rules.assessing import proposed_size
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import junit


@pytest.fixture
def framework(cast: Any, within: Any) -> Any:
    """Four controls: tested, authorised, mapped but idle, and resting on nothing."""
    from governance.actions.controls import import_catalogue, map_control
    from governance.models import Control, ControlMapping
    from releasetrain.kernel.fields import Upload

    rows = b"identifier,title\nT-1,Tested\nT-2,Authorised\nT-3,Drilled\nT-4,Nothing\n"
    with within(cast, "compliance_officer") as officer:
        import_catalogue(officer, file=Upload("t.csv", rows), code="house", version="1")
        controls = {c.identifier: c for c in Control.objects.all()}
        kind = ControlMapping.Kind
        for identifier, what, target in (
            ("T-1", kind.CHECK, "test-results"),
            ("T-2", kind.ACTIVITY, "deployments-authorised"),
            ("T-3", kind.VERB, "incident_plan.record_drill"),
        ):
            map_control(officer, controls[identifier], kind=what, target=target, rationale="It shows.")
    return controls


def period(days: int = 30, until: int = 1) -> Any:
    from governance.queries.coverage import period_of

    today = now().date()
    return period_of(today - timedelta(days=days), today + timedelta(days=until))


def covered(cast: Any, within: Any, controls: Any) -> dict[str, Any]:
    from governance.queries.coverage import coverage

    with within(cast, "auditor"):
        return {c.control.identifier: c for c in coverage(controls.values(), period())}


def test_each_control_says_what_operated_and_what_did_not(
    cast: Any, within: Any, framework: Any, gateway: Any
) -> None:
    gateway.post(junit(2, 1))
    assert gateway.evaluate().verdict == "fail"
    gateway.post(junit(3))
    assert gateway.evaluate().verdict == "pass"
    found = covered(cast, within, framework)
    tested = found["T-1"]
    assert (tested.state, tested.tally.passed, tested.tally.failed) == ("exceptions", 1, 1)
    assert found["T-2"].state == found["T-3"].state == "idle"
    assert found["T-4"].state == "unmapped"
    assert "satisfied" not in " ".join(c.sentence for c in found.values())


def test_a_deployment_without_a_change_is_an_exception_with_its_row(
    cast: Any, within: Any, framework: Any, gateway: Any
) -> None:
    from governance.queries.coverage import rows_of
    from trains.actions.deployments import record_deployment

    with gateway.scope("service_account") as pipeline:
        bare = record_deployment(
            pipeline, service=gateway.service, environment=gateway.production, version="9.9.9",
            status="succeeded", source="ci", external_id="bare",
        )  # fmt: skip
    line = covered(cast, within, framework)["T-2"].lines[0]
    assert (line.tally.failed, line.tally.passed) == (1, 0)
    with within(cast, "auditor"):
        rows = rows_of(line.mapping, period(), "failed")
    assert [row.id for row in rows] == [str(bare.pk)]


def test_every_number_equals_the_count_of_its_rows(
    cast: Any, within: Any, framework: Any, gateway: Any
) -> None:
    from governance.queries.coverage import OUTCOMES, rows_of

    for failures in (1, 0, 2):
        gateway.post(junit(3, failures))
        gateway.evaluate()
    for control in covered(cast, within, framework).values():
        for line in control.lines:
            with within(cast, "auditor"):
                rows = {o: len(rows_of(line.mapping, period(), o)) for o in OUTCOMES}
            assert rows == {o: getattr(line.tally, o) for o in OUTCOMES}


def test_coverage_asks_the_same_number_of_questions_for_many_controls(
    cast: Any, within: Any, framework: Any, django_assert_max_num_queries: Any
) -> None:
    from governance.actions.controls import load_starter
    from governance.models import Control
    from governance.queries.coverage import coverage
    from governance.starters import starters

    with within(cast, "compliance_officer") as officer:
        for each in starters():
            load_starter(officer, starter_set=each.code)
        everything = list(Control.objects.all())
        assert len(everything) > 55
        span = period()
        with django_assert_max_num_queries(30):
            assert len(coverage(everything, span)) == len(everything)


# -- assessments --


def scheduled(cast: Any, within: Any, control: Any, assessor: str = "auditor", **more: Any) -> Any:
    from governance.actions.assessments import schedule_assessment

    today = now().date()
    said = {
        "starts": today - timedelta(days=30), "ends": today, "scheduled_for": today + timedelta(days=7),
    } | more  # fmt: skip
    with within(cast, "compliance_officer") as officer:
        return schedule_assessment(officer, control=control, assessor=cast.user(assessor), **said)


@pytest.fixture
def yesterday(gateway: Any) -> Any:
    """Verdicts of two days ago, so that the period is over."""
    import time_machine

    for failures in (1, 0):
        gateway.post(junit(3 + failures, failures))
        gateway.evaluate()
    with time_machine.travel(now() + timedelta(days=2), tick=True):
        yield gateway


def test_an_assessment_is_sampled_marked_and_concluded_by_its_assessor(
    cast: Any, within: Any, framework: Any, yesterday: Any
) -> None:
    from governance.actions.assessments import conclude_assessment, draw_sample, mark_item
    from governance.models import ControlAssessment

    one = scheduled(cast, within, framework["T-1"])
    with within(cast, "auditor") as auditor:
        one = draw_sample(auditor, one, seed="2026-q4")
        assert one.population_size == len(one.sample) > 1
        early = {"conclusion": ControlAssessment.Conclusion.EFFECTIVE, "statement": "Looked at all."}
        with pytest.raises(Refused) as refused:
            conclude_assessment(auditor, one, **early)
        assert refused.value.refusals[0].code == "assessment.unmarked"
        for number in range(1, len(one.sample) + 1):
            mark_item(auditor, one, item=number, mark="ok")
        mark_item(auditor, one, item=1, mark="exception", note="The run was not that of the build.")
        with pytest.raises(Refused) as refused:
            conclude_assessment(auditor, one, **early)
        assert refused.value.refusals[0].code == "assessment.exceptions"
        done = conclude_assessment(
            auditor, one, conclusion=ControlAssessment.Conclusion.EXCEPTION, statement="One of three."
        )
        assert (done.state, done.concluded_by_id, len(done.exceptions)) == ("concluded", auditor.user_id, 1)
    assert covered(cast, within, framework)["T-1"].assessment.pk == one.pk
    with within(cast, "auditor"), pytest.raises(DatabaseError), transaction.atomic():
        ControlAssessment.objects.filter(pk=one.pk).update(statement="All was well.")


def test_nobody_but_the_assessor_and_no_operator_concludes(
    cast: Any, within: Any, framework: Any, yesterday: Any
) -> None:
    from governance.actions.assessments import draw_sample
    from governance.actions.controls import edit_control
    from governance.models import ControlAssessment

    with within(cast, "compliance_officer") as officer:
        framework["T-1"] = edit_control(officer, framework["T-1"], owner=cast.user("release_manager"))
    with pytest.raises(Refused) as refused:
        scheduled(cast, within, framework["T-1"], "release_manager")
    assert refused.value.refusals[0].code == "assessment.operator"
    one = scheduled(cast, within, framework["T-1"])
    with within(cast, "compliance_officer") as officer, pytest.raises(Refused) as refused:
        draw_sample(officer, one)
    assert refused.value.refusals[0].code == "assessment.assessor"
    with within(cast, "auditor") as auditor:
        draw_sample(auditor, one)
    # The database refuses it whatever the code says.
    manager = cast["release_manager"].user_id
    with (
        within(cast, "auditor"),
        pytest.raises(DatabaseError, match="operates a control"),
        transaction.atomic(),
    ):
        ControlAssessment.objects.filter(pk=one.pk).update(
            state="concluded", conclusion="effective", statement="x", concluded_at=now(), concluded_by=manager
        )
    with within(cast, "auditor"), pytest.raises(DatabaseError, match="drawn"), transaction.atomic():
        ControlAssessment.objects.filter(pk=one.pk).update(seed="another")


def test_what_did_not_operate_is_not_assessed_and_never_effective(
    cast: Any, within: Any, framework: Any
) -> None:
    from governance.actions.assessments import conclude_assessment, draw_sample
    from governance.models import ControlAssessment

    one = scheduled(cast, within, framework["T-3"])
    with within(cast, "auditor") as auditor:
        one = draw_sample(auditor, one)
        assert one.population_size == 0
        with pytest.raises(Refused) as refused:
            conclude_assessment(
                auditor, one, conclusion=ControlAssessment.Conclusion.EFFECTIVE, statement="Fine."
            )
        assert refused.value.refusals[0].code == "assessment.empty"
        done = conclude_assessment(
            auditor,
            one,
            conclusion=ControlAssessment.Conclusion.NOT_ASSESSED,
            statement="No drill took place.",
        )
        assert done.conclusion == "not_assessed"


def test_a_period_that_is_not_over_has_no_population(cast: Any, within: Any, framework: Any) -> None:
    from governance.actions.assessments import draw_sample

    one = scheduled(cast, within, framework["T-1"], ends=now().date() + timedelta(days=5))
    with within(cast, "auditor") as auditor, pytest.raises(Refused) as refused:
        draw_sample(auditor, one)
    assert refused.value.refusals[0].code == "assessment.early"


@given(st.integers(0, 5000))
def test_the_proposed_size_is_possible_and_never_nothing_of_something(population: int) -> None:
    assert min(1, population) <= proposed_size(population) <= population or population > 60
