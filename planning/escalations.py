"""What of planning escalates: impediments nobody resolves, dependencies nobody answers, risks past their day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planning.models import FeatureDependency, Impediment, Risk, Roam
from planning.queries.increments import today_of
from releasetrain.audit.doorway import register_effect
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.tasks import enqueue
from trains import tasks
from trains.escalating import Waiting, escalates, last_changes
from trains.models import Train


@escalates("impediment", "Impediments")
def impediments(train: Train | None) -> Iterable[Waiting]:
    """Raised or in work, since they were raised."""
    rows = Impediment.objects.filter(state__in=("raised", "working")).select_related("team")
    if train is not None:
        rows = rows.filter(team__train=train)
    for row in rows:
        yield Waiting(row.pk, f"{row.key} {row.title} ({row.team})", row.raised_at, row.team.train_id)


def _dependencies(train: Train | None, states: tuple[str, ...]) -> Iterable[Waiting]:
    rows = FeatureDependency.objects.filter(state__in=states).select_related("provider", "consumer")
    if train is not None:
        rows = rows.filter(provider__train=train)
    found = list(rows)
    changed = last_changes(found)
    for row in found:
        label = f"{row.consumer.key} needs {row.provider.key} {row.what}".strip()
        if row.reason:
            label = f"{label}: {row.reason}"
        yield Waiting(row.pk, label, changed.get(row.pk, row.created_at), row.provider.train_id)


@escalates("featuredependency", "Dependencies that are blocked or at risk")
def endangered(train: Train | None) -> Iterable[Waiting]:
    """Blocked or at risk, since somebody said so."""
    return _dependencies(train, ("blocked", "at_risk"))


@escalates("featuredependency.proposed", "Dependencies that no provider has accepted")
def unaccepted(train: Train | None) -> Iterable[Waiting]:
    """Proposed, since they were."""
    return _dependencies(train, ("proposed",))


@escalates("risk", "Risks past their day")
def late_risks(train: Train | None) -> Iterable[Waiting]:
    """Accepted longer than was said, or owned and overdue; since that day."""
    rows = Risk.objects.filter(roam__in=(Roam.ACCEPTED, Roam.OWNED, Roam.OPEN)).select_related("train")
    if train is not None:
        rows = rows.filter(train=train)
    for row in rows:
        day = row.accepted_until if row.roam == Roam.ACCEPTED else row.due_on
        if day is not None and day < today_of(row.train):
            yield Waiting(row.pk, f"{row.key} {row.title}", _end_of(row, day), row.train_id)


def _end_of(risk: Risk, day: date) -> datetime:
    """The end of the day where the train runs."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(risk.train.time_zone))


def _at_once(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """A blocked dependency is told without waiting for the next round."""
    enqueue(tasks.sweep_now, actor.organization_id)


for _verb in ("feature_dependency.block", "feature_dependency.flag"):
    register_effect(_verb, _at_once)
