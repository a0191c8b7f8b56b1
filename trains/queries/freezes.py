"""Which freezes are in force."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from trains.models import Environment, Freeze, Service, Train
from trains.rules.freezes import Window, applies


def active_freezes(
    train: Train | None, environment: Environment | None, service: Service | None, at: datetime
) -> list[Freeze]:
    """The freezes that forbid deploying this service of this train to this environment at the moment `at`."""
    lifted_later = Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=at)
    in_force = Freeze.objects.filter(lifted_later, starts__lte=at, ends__gt=at).order_by("starts", "id")
    train_id = train.pk if train else service.train_id if service else None
    return [
        freeze
        for freeze in in_force
        if applies(
            Window(freeze.starts, freeze.ends, freeze.train_id, freeze.environment_id, freeze.service_id),
            train=train_id,
            environment=environment.pk if environment else None,
            service=service.pk if service else None,
        )
    ]


def freezes_overlapping(starts: datetime, ends: datetime, train: Train | None = None) -> list[Freeze]:
    """Freezes that share a moment with [starts, ends), for one train (with those for everybody) or for all."""
    rows = Freeze.objects.filter(cancelled_at__isnull=True, starts__lt=ends, ends__gt=starts)
    if train is not None:
        rows = rows.filter(Q(train__isnull=True) | Q(train=train))
    return list(rows.select_related("train", "environment", "service").order_by("starts", "id"))
