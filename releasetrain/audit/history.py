"""Tracked history: django-simple-history with attribution, one way for all models."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models
from django.db.models import Func
from django.db.models.functions import Cast
from simple_history.models import HistoricalRecords
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantModel
from releasetrain.tenancy.scope import current_scope


def transaction_id() -> Cast:
    """The database's own transaction id, as the default of a column."""
    return Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())


class HistoryRow(models.Model):
    """What every history row carries besides the tracked fields."""

    history_xid = models.BigIntegerField(db_default=transaction_id(), editable=False)
    history_request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        abstract = True


def _who(instance: Any = None, **_: Any) -> uuid.UUID | None:
    scope = current_scope()
    return scope.actor.user_id if scope else None


def _get_user(row: Any) -> uuid.UUID | None:
    return row.history_user_id  # type: ignore[no-any-return]


def _set_user(row: Any, user_id: uuid.UUID | None) -> None:
    scope = current_scope()
    row.history_user_id = user_id
    if scope:
        row.history_request_id = scope.actor.request_id
        row.history_change_reason = row.history_change_reason or scope.actor.reason[:100] or None


def tracked(**options: Any) -> HistoricalRecords:
    """The history of a model. The user is kept as a plain id: history outlives people."""
    return HistoricalRecords(
        bases=[HistoryRow],
        history_user_id_field=models.UUIDField(null=True, blank=True),
        history_user_getter=_get_user,
        history_user_setter=_set_user,
        get_user=_who,
        **options,
    )


def bulk_create_tracked(objects: Sequence[TenantModel], batch_size: int = 2_000) -> list[Any]:
    """Insert many rows of one tracked model with their history rows."""
    if not objects:
        return []
    for each in objects:
        each.prepare_save()
    return list(bulk_create_with_history(objects, type(objects[0]), batch_size=batch_size, default_date=now()))


def bulk_update_tracked(objects: Sequence[TenantModel], fields: Iterable[str], batch_size: int = 1_000) -> int:
    """Update many rows of one tracked model with their history rows."""
    if not objects:
        return 0
    for each in objects:
        each.prepare_save()
    return int(
        bulk_update_with_history(
            objects, type(objects[0]), [*fields, "row_version"], batch_size=batch_size, default_date=now()
        )
    )


__all__ = ["HistoryRow", "bulk_create_tracked", "bulk_update_tracked", "tracked"]
