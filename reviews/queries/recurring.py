"""Ways of failing that come back: the same kind of supported cause at the same service, in several reviews."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reviews.models import ReviewCause
from trains.models import Service

from .policies import for_trains


@dataclass(frozen=True)
class Mode:
    """One recurring way of failing, with every time it happened, the first first."""

    service: Service
    causes: list[ReviewCause]
    limit: int
    days: int

    @property
    def count(self) -> int:
        return len({cause.review_id for cause in self.causes})


def recurring_modes(at: datetime) -> list[Mode]:
    """The modes that the standard calls recurring; unknown causes are of no kind."""
    rows = (
        ReviewCause.objects.filter(state=ReviewCause.State.SUPPORTED, created_at__lte=at)
        .exclude(category="unknown")
        .select_related("review__service__train", "evidence")
        .order_by("created_at", "id")
    )
    by_kind: dict[tuple[Any, str], list[ReviewCause]] = defaultdict(list)
    for cause in rows:
        by_kind[cause.review.service_id, cause.category].append(cause)
    policies = for_trains({causes[0].review.service.train_id for causes in by_kind.values()})
    found = []
    for causes in by_kind.values():
        service = causes[0].review.service
        policy = policies[service.train_id]
        if policy.board is None or service.train_id is None:
            continue
        since = at - timedelta(days=policy.standard.recurrence_days)
        recent = [cause for cause in causes if cause.created_at >= since]
        mode = Mode(service, recent, policy.standard.recurrences, policy.standard.recurrence_days)
        if mode.count >= mode.limit:
            found.append(mode)
    return found
