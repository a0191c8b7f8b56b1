"""Error budgets that burn lead to somebody: to the review of what went live, by its rules, or to a problem of the service.

A budget that burns shortly after a production deployment is looked at by the rules that open reviews. Where nothing went live,
or no rule asks for a review, the burning itself is the problem: it is opened once, and opened again where it comes back.
"""

from __future__ import annotations

from metrics.models import Slo
from metrics.queries.slos import budgets, live
from metrics.rules.budgets import Budget, BudgetState, severity_of
from problems.actions.problems import create_problem
from problems.actions.reopening import reopen
from problems.models import Problem
from problems.states import PROBLEM_STATES
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from reviews.actions.following import budget_was_burnt
from reviews.models import Review
from reviews.sweeping import WATCHED
from trains.models import Deployment

BURNS = (BudgetState.EXHAUSTED, BudgetState.BURNING)


def follow_budgets(system: Actor) -> int:
    """One round over the objectives of an organization; how many reviews and problems it led to. Twice does no harm."""
    objectives = live()
    standing = budgets(objectives) if objectives else {}
    burning = [slo for slo in objectives if standing[slo.pk].state in BURNS]
    return sum(_follow(system, slo, standing[slo.pk]) for slo in burning)


def _follow(system: Actor, slo: Slo, found: Budget) -> int:
    before = Review.objects.count()
    if _went_live(slo) and budget_was_burnt(system, slo.service) is not None:
        return Review.objects.count() - before
    return _problem(system, slo, found)


def _went_live(slo: Slo) -> bool:
    """Whether the burning may be laid to a production deployment of the service."""
    lately = Deployment.objects.filter(service=slo.service_id, environment__kind="production")
    return lately.filter(started_at__gte=now() - WATCHED).exists()


def fingerprint_of(slo: Slo) -> str:
    """By which the burning of this objective is known again."""
    return f"error-budget:{slo.pk}"


def _problem(system: Actor, slo: Slo, found: Budget) -> int:
    mark = fingerprint_of(slo)
    known = Problem.objects.filter(fingerprint=mark).order_by("-created_at").first()
    said = f"{slo.key} {slo.name}: {found.word.lower()}. {found.reason}"
    if known is None:
        create_problem(
            system,
            title=f"{slo.service} spends its error budget: {slo.name}"[:200],
            service=slo.service,
            severity=severity_of(found.state, slo.service.tier),
            description=said,
            fingerprint=mark,
            owner=slo.owner,
        )
        return 1
    if known.state == Problem.State.CLOSED and PROBLEM_STATES.refusal("problem.reopen", known) is None:
        reopen(system, known, reason=said)
        return 1
    return 0
