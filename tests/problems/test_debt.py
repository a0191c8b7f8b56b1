"""Debt from production: problems, reviews and their actions on the same backlog, linked to their source."""

from __future__ import annotations

from datetime import date

import pytest

from releasetrain.kernel.refusals import Refused


@pytest.fixture
def problem(in_northwind, cast):
    from problems.actions.problems import create_problem
    from releasetrain.kernel.actor import Actor
    from trains.actions.services import create_service
    from trains.actions.trains import create_train

    setup = Actor.system(cast.organization.pk, "test world", route="test")
    train = create_train(setup, key="PAY", name="Payments", cadence_start=date(2026, 10, 5))
    service = create_service(setup, name="ledger-core", train=train)
    return create_problem(cast["problem_manager"], title="Queue grows", service=service, severity=2)


def test_a_problem_becomes_debt_with_its_exposure_and_both_pages_show_the_other(problem, cast, web):
    from problems.actions.debt import create_debt

    feature = create_debt(cast["problem_manager"], problem, business_risk="Payments wait.")
    feature.refresh_from_db()
    assert (feature.kind, feature.title, feature.train_id) == (
        "debt",
        "Queue grows",
        problem.service.train_id,
    )
    assert (feature.exposure_likelihood, feature.exposure_impact, feature.exposure) == (1, 4, 4)
    assert (feature.source_kind, feature.source_id) == ("problem", problem.pk)
    client = web("problem_manager")
    assert problem.key in client.get(f"/o/northwind/features/{feature.key}/").content.decode()
    assert feature.key in client.get(f"/o/northwind/problems/{problem.key}/").content.decode()
    with pytest.raises(Refused, match="on the backlog already"):
        create_debt(cast["problem_manager"], problem, business_risk="Again.")


def test_many_incidents_make_harm_likely(problem, cast):
    from problems.actions.debt import create_debt
    from problems.actions.incidents import record_incident
    from problems.models import ProblemIncident
    from releasetrain.kernel.clock import now

    for number in range(4):
        incident = record_incident(
            cast["problem_manager"], title=f"Outage {number}", service=problem.service, detected_at=now()
        )
        ProblemIncident.objects.get_or_create(problem=problem, incident=incident)
    feature = create_debt(cast["problem_manager"], problem, business_risk="Payments wait.", impact=5)
    assert (feature.exposure_likelihood, feature.exposure_impact) == (3, 5)


def test_debt_needs_a_train_and_its_business_risk(problem, cast):
    from problems.actions.debt import create_debt

    with pytest.raises(Refused) as caught:
        create_debt(cast["problem_manager"], problem, business_risk=" ")
    assert caught.value.refusals[0].field == "business_risk"
    problem.service.train = None
    problem.service.save()
    problem.refresh_from_db()
    with pytest.raises(Refused) as caught:
        create_debt(cast["problem_manager"], problem, business_risk="x")
    assert caught.value.refusals[0].field == "train"
