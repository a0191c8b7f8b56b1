"""Error budgets that burn open the review of what went live, or a problem; each once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from metrics.actions.slos import create_slo
from metrics.burning import fingerprint_of, follow_budgets
from metrics.rules.budgets import BudgetState, severity_of
from problems.models import Problem
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from reviews.actions.rules import create_standard_rules
from reviews.models import Review
from tests.metrics.test_objectives import counted
from trains.actions.deployments import record_deployment
from trains.models import Deployment, Environment, Service

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def checkout(cast: Any, in_northwind: Any) -> Service:
    return Service.objects.create(name="burning-checkout", tier=1)


@pytest.fixture
def promise(cast: Any, checkout: Service) -> Any:
    return create_slo(
        cast["owner"],
        service=checkout,
        name="Answers",
        kind="bad",
        series="http_errors_total",
        total_series="http_requests_total",
        objective=99.0,
    )


@pytest.fixture
def system(northwind: Any, in_northwind: Any) -> Actor:
    return Actor.system(northwind.pk, "error budgets")


def live(cast: Any, checkout: Service) -> Deployment:
    production = Environment.objects.create(name="burning-production", kind="production")
    return record_deployment(
        cast["service_account"],
        service=checkout,
        environment=production,
        version="2.0.0",
        status="succeeded",
        started_at=now() - 6 * HOUR,
        finished_at=now() - 6 * HOUR + HOUR / 6,
    )


def test_a_budget_that_is_kept_opens_nothing(cast: Any, checkout: Any, promise: Any, system: Actor) -> None:
    counted(cast, checkout, 0.1)
    assert follow_budgets(system) == 0
    assert not Problem.objects.filter(service=checkout).exists()


def test_where_nothing_went_live_the_burning_is_a_problem_once(
    cast: Any, checkout: Any, promise: Any, system: Actor
) -> None:
    counted(cast, checkout, 20)
    assert follow_budgets(system) == 1
    problem = Problem.objects.get(service=checkout)
    assert (problem.fingerprint, problem.severity) == (fingerprint_of(promise), 2)
    assert promise.key in problem.description and "allowed" in problem.description
    assert follow_budgets(system) == 0
    assert Problem.objects.filter(service=checkout).count() == 1


def test_shortly_after_a_deployment_its_review_opens_by_the_standard_rule(
    cast: Any, checkout: Any, promise: Any, system: Actor, northwind: Any
) -> None:
    create_standard_rules(cast["rte"], northwind)
    live(cast, checkout)
    counted(cast, checkout, 20)
    assert follow_budgets(system) == 1
    review = Review.objects.get(service=checkout)
    assert review.opened_by_rule.name == "An error budget was burnt"
    assert not Problem.objects.filter(service=checkout).exists()
    assert follow_budgets(system) == 0


def test_where_no_rule_asks_for_a_review_it_is_a_problem_all_the_same(
    cast: Any, checkout: Any, promise: Any, system: Actor
) -> None:
    live(cast, checkout)
    counted(cast, checkout, 20)
    assert follow_budgets(system) == 1
    assert not Review.objects.filter(service=checkout).exists()
    assert Problem.objects.filter(service=checkout).exists()


def test_the_more_critical_the_more_severe() -> None:
    ranked = [severity_of(BudgetState.EXHAUSTED, 1), severity_of(BudgetState.BURNING, 2)]
    ranked += [severity_of(BudgetState.EXHAUSTED, 3), severity_of(BudgetState.BURNING, 4)]
    assert ranked == [2, 3, 3, 4]
