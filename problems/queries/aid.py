"""The decision aid of a problem: releases that could carry its fix, what waiting costs, what bundling risks, how fixes went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from problems.models import Problem, ProblemPolicy
from problems.rules.urgency import Option, Past, Record, record_of, weigh
from releasetrain.kernel.clock import now
from trains.models import Release

from .fixes import fix_deployments_of
from .policy import policy_in_force
from .success import incidents_of

LOOK_BACK = timedelta(days=90)
ALONE = "A release of its own, now"
_COULD_CARRY = ("planning", "scoped", "frozen", "ready", "approved")


@dataclass(frozen=True)
class Aid:
    """Everything the decision rests on, each figure with its size."""

    problem: Problem
    policy: ProblemPolicy
    incidents: int
    days: int
    a_week: float
    cost_of_incident: float
    cost_of_failure: float
    hours: float | None
    options: tuple[Option, ...]
    releases: dict[str, UUID]
    similar: Record
    all_fixes: Record
    alike: str

    @property
    def first(self) -> Option | None:
        return self.options[0] if self.options else None


def aid_for(problem: Problem, at: datetime | None = None) -> Aid:
    """Weigh the releases that are planned against a release of its own."""
    moment = at or now()
    policy = policy_in_force()
    seen = list(incidents_of(problem, moment - LOOK_BACK, moment))
    hours = [((i.resolved_at or i.mitigated_at or moment) - i.began_at).total_seconds() / 3600 for i in seen]
    mean = fmean(hours) if hours else None
    worst = min([problem.severity, *(i.severity for i in seen)])
    each = (
        fmean(policy.cost_of(i.severity, h) for i, h in zip(seen, hours, strict=True))
        if seen
        else policy.cost_of(problem.severity, 1.0)
    )
    first = min((i.began_at for i in seen), default=moment - LOOK_BACK)
    days = max(7.0, (moment - first) / timedelta(days=1))
    weekly = len(seen) / (days / 7)
    past, similar = _past(problem)
    failure = policy.cost_of(worst, mean if mean is not None else 1.0)
    options = weigh(
        [(ALONE, moment, 1), *_candidates(problem, moment)],
        at=moment,
        incidents_a_week=weekly,
        cost_of_incident=each,
        cost_of_failure=failure,
        past=past,
    )
    keys = Release.objects.filter(key__in=[o.label for o in options])
    return Aid(
        problem,
        policy,
        len(seen),
        round(days),
        weekly,
        each,
        failure,
        mean,
        tuple(options),
        dict(keys.values_list("key", "pk")),
        record_of(p for p in past if p.similar),
        record_of(past),
        similar,
    )


def _candidates(problem: Problem, at: datetime) -> list[tuple[str, datetime, int]]:
    """Releases of the service's train that are still to come, with what they would bundle."""
    rows = Release.objects.filter(state__in=_COULD_CARRY, target_at__gt=at)
    if problem.service.train_id:
        rows = rows.filter(train_id=problem.service.train_id)
    rows = rows.annotate(n=Count("items", filter=Q(items__removed_at__isnull=True)))
    return [(r.key, r.target_at, r.n + 1) for r in rows.order_by("target_at")[:12] if r.target_at is not None]


def _past(problem: Problem) -> tuple[list[Past], str]:
    """Earlier deployments of fixes; similar are those of problems of the same category, or else of the same service."""
    fixes = fix_deployments_of(None, None)
    alike = [f for f in fixes if f.category == problem.category and problem.category != "unknown"]
    words = f"fixes of the category {problem.get_category_display().lower()}"
    if not alike:
        alike = [f for f in fixes if f.service_id == problem.service_id]
        words = f"fixes of {problem.service.name}"
    chosen = {f.id for f in alike}
    return [Past(f.items, f.failed, f.id in chosen) for f in fixes], words


def as_data(found: Aid) -> dict[str, Any]:
    """The aid as plain values."""

    def record(r: Record) -> dict[str, Any]:
        return {
            "failed": r.failed,
            "of": r.of,
            "low": round(r.low, 4),
            "high": round(r.high, 4),
            "few": r.few,
        }

    return {
        "problem": found.problem.key,
        "currency": found.policy.currency,
        "incidents": found.incidents,
        "observed_days": found.days,
        "incidents_a_week": round(found.a_week, 3),
        "cost_of_incident": round(found.cost_of_incident, 2),
        "cost_of_failed_fix": round(found.cost_of_failure, 2),
        "similar_fixes": {"what": found.alike, **record(found.similar)},
        "all_fixes": record(found.all_fixes),
        "options": [
            {
                "release": o.label,
                "at": o.at,
                "items": o.items,
                "expected_incidents": round(o.expected_incidents, 2),
                "cost_of_waiting": round(o.waiting, 2),
                "cost_of_risk": round(o.risk, 2),
                "total": round(o.total, 2),
                "past_bundles_of_that_size": record(o.record),
            }
            for o in found.options
        ],
        "note": NOTE,
    }


NOTE = (
    "An aid, no decision. Waiting: incidents a week so far times the weeks until the release times what one costs."
    " Risk: the share of failed deployments among earlier fixes in bundles of about that size, at the upper end of its"
    " interval where they are few, times what a failure as severe as the problem costs."
)
