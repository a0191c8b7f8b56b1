"""What one organization's releases, changes, problems and objectives are at, as gauges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, QuerySet

from governance.models import ChangeRequest, Finding
from metrics.queries import kpis, slos
from metrics.rules.budgets import BudgetState
from problems.models import Incident, Problem
from releasetrain.kernel.clock import now
from reviews.models import ActionItem, Review
from trains.models import CanaryAnalysis, Deployment, Environment, Freeze, Release, Series

from .families import counted, gauge, one

_DAYS = 30
_OVER = (Release.State.CLOSED, Release.State.CANCELLED, Release.State.ROLLED_BACK)
_MOST_OBJECTIVES = 200


def families() -> Iterator[Any]:
    """Every family of the organization in scope. Labels are names that the organization gives: their number is bounded."""
    at = now()
    yield from _releases()
    yield from _deployments(at)
    yield counted("changes", "Change requests, by state.", "state", _by(ChangeRequest.objects.all(), "state"))
    yield gauge(
        "problems",
        "Problems, by state and severity.",
        ("state", "severity"),
        [
            ((state, str(severity)), count)
            for state, severity, count in Problem.objects.order_by()
            .values_list("state", "severity")
            .annotate(n=Count("id"))
        ],
    )
    yield counted("incidents", "Incidents, by state.", "state", _by(Incident.objects.all(), "state"))
    yield counted(
        "findings_open",
        "Findings that are neither fixed nor dismissed, by severity.",
        "severity",
        _by(Finding.objects.filter(state__in=["open", "triaged", "reopened"]), "severity"),
    )
    yield counted("reviews", "Reviews, by state.", "state", _by(Review.objects.all(), "state"))
    late = ActionItem.objects.filter(state=ActionItem.State.OPEN, due_on__lt=at.date()).count()
    yield one("review_actions_overdue", "Actions of reviews that are late.", late)
    frozen = Freeze.objects.filter(starts__lte=at, ends__gt=at).count()
    yield one("freezes_active", "Freezes that hold now.", frozen)
    yield from _objectives()
    yield from _indicators()


def _releases() -> Iterator[Any]:
    rows = Release.objects.order_by().values_list("train__name", "state").annotate(n=Count("id"))
    yield gauge(
        "releases", "Releases, by train and state.", ("train", "state"), [((t, s), n) for t, s, n in rows]
    )
    ahead = Release.objects.exclude(state__in=_OVER).filter(target_at__isnull=False)
    yield gauge(
        "release_target_timestamp_seconds",
        "When a release is to be released.",
        ("release", "version", "state"),
        [
            ((key, version, state), moment.timestamp())
            for key, version, state, moment in ahead.order_by("target_at").values_list(
                "key", "version", "state", "target_at"
            )[:200]
        ],
    )


def _deployments(at: Any) -> Iterator[Any]:
    since = at - timedelta(days=_DAYS)
    production = Environment.objects.filter(kind=Environment.Kind.PRODUCTION)
    recent = Deployment.objects.filter(environment__in=production, finished_at__gte=since).order_by()
    rows = list(recent.values_list("service__name", "state").annotate(n=Count("id")))
    yield gauge(
        "deployments_30d",
        "Production deployments that finished in the last 30 days, by service and state.",
        ("service", "state"),
        [((service, state), count) for service, state, count in rows],
    )
    total = sum(count for _, _, count in rows)
    failed = sum(
        count for _, state, count in rows if state in (Deployment.State.FAILED, Deployment.State.ROLLED_BACK)
    )
    share = failed / total if total else None
    yield one(
        "deployment_failure_ratio_30d",
        "Production deployments of the last 30 days that failed or were rolled back, of all; absent without any.",
        share,
    )
    latest = (
        CanaryAnalysis.objects.order_by("service_id", "-judged_at", "-id")
        .distinct("service_id")
        .values_list("service__name", "verdict", "score")
    )
    yield gauge(
        "canary_score",
        "The score of a service's last canary analysis.",
        ("service", "verdict"),
        [((service, verdict), score) for service, verdict, score in latest],
    )


def _objectives() -> Iterator[Any]:
    found = slos.live()[:_MOST_OBJECTIVES]
    standing = slos.budgets(found)
    labels = ("slo", "service", "name")
    named = [((slo.key, slo.service.name, slo.name), standing[slo.pk]) for slo in found]
    yield gauge(
        "slo_budget_left_ratio",
        "Share of the error budget that is left; negative when overspent, absent without an answer.",
        labels,
        [(key, each.left if each.state is not BudgetState.UNKNOWN else None) for key, each in named],
    )
    yield gauge(
        "slo_burn_rate_1h",
        "How many times as fast as it may the error budget burns, over an hour.",
        labels,
        [(key, each.burns.get("1 h")) for key, each in named],
    )
    yield one("series", "Recorded time series.", Series.objects.count())


def _indicators() -> Iterator[Any]:
    found = kpis.live()[:_MOST_OBJECTIVES]
    latest = kpis.values(found)
    named = [((kpi.key, kpi.name, str(kpi.vanity).lower()), kpi, latest[kpi.pk][-1]) for kpi in found]
    labels = ("kpi", "name", "vanity")
    yield gauge(
        "kpi_value",
        "The value of an indicator over its last period; absent without an answer.",
        labels,
        [(key, each.value) for key, _, each in named],
    )
    yield gauge(
        "kpi_target", "The target of an indicator.", labels, [(key, kpi.target) for key, kpi, _ in named]
    )


def _by(rows: QuerySet, field: str) -> dict[str, int]:
    return {str(value): count for value, count in rows.order_by().values_list(field).annotate(n=Count("id"))}
