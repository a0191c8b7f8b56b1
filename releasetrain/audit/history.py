"""Tracked history: django-simple-history with attribution, one way for all models."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models import Func
from django.db.models.functions import Cast
from simple_history.models import HistoricalRecords

from releasetrain.kernel.clock import now
from releasetrain.tenancy.bulk import BATCH, as_json, batches, columns_of, insert, names_of, quoted
from releasetrain.tenancy.models import KeyedModel, TenantModel, next_keys
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


class _Records(HistoricalRecords):
    """History rows are copied from the row just written, inside the database: what is kept is what was stored."""

    def copy_fields(self, model: type[models.Model]) -> dict[str, models.Field]:
        """History is asked for by object, which the guards' index answers; any other index only slows every write."""
        fields: dict[str, models.Field] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False
        return fields

    def create_historical_record(self, instance: Any, history_type: str, using: Any = None) -> None:
        if history_type == "-":
            super().create_historical_record(instance, history_type, using)
        else:
            _copy_history([instance], history_type)


def tracked(**options: Any) -> HistoricalRecords:
    """The history of a model. The user is kept as a plain id: history outlives people."""
    return _Records(
        bases=[HistoryRow],
        history_user_id_field=models.UUIDField(null=True, blank=True),
        history_user_getter=_get_user,
        history_user_setter=_set_user,
        get_user=_who,
        **options,
    )


def bulk_create_tracked(objects: Sequence[TenantModel], batch_size: int = BATCH) -> list[Any]:
    """Insert many rows of one tracked model with their history rows.

    Rows travel as JSON and history is copied inside the database: several times faster than row by row through the ORM.
    """
    listed = list(objects)
    _reserve_keys(listed)
    for each in listed:
        each.prepare_save()
    for batch in batches(listed, batch_size):
        insert(batch)
        _copy_history(batch, "+")
    return listed


def bulk_update_tracked(
    objects: Sequence[TenantModel], fields: Iterable[str], batch_size: int = BATCH
) -> int:
    """Update these fields of many rows of one tracked model, with their history rows; returns how many there were."""
    listed = list(objects)
    wanted = {*fields, "row_version"}
    updated = 0
    for each in listed:
        each.prepare_save()
    for batch in batches(listed, batch_size):
        model = type(batch[0])
        columns = [f for f in columns_of(model) if f.name in wanted or f.attname in wanted]
        assignments = ", ".join(f'"{f.column}" = given."{f.column}"' for f in columns)
        identity = [f for f in columns_of(model) if f.primary_key]
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {quoted(model)} AS kept SET {assignments}"  # noqa: S608 - names of our own tables and columns
                f" FROM json_populate_recordset(NULL::{quoted(model)}, %s::json) AS given WHERE kept.id = given.id",
                [as_json(batch, [*identity, *columns])],
            )
            updated += cursor.rowcount
        _copy_history(batch, "~")
    return updated


def _reserve_keys(objects: list[Any]) -> None:
    """One request for all keys that are missing, instead of one each."""
    keyless = [each for each in objects if isinstance(each, KeyedModel) and not each.key]
    if keyless:
        for each, key in zip(keyless, next_keys(keyless[0].key_prefix, len(keyless)), strict=True):
            each.key = key


def _copy_history(objects: Sequence[Any], kind: str) -> None:
    """The history rows of rows just written, copied from them inside the database."""
    scope = current_scope()
    reason = (scope.actor.reason[:100] or None) if scope else None
    request = scope.actor.request_id if scope else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _copy_statement(type(objects[0])),
            [now(), kind, _who(), reason, request, [each.pk for each in objects]],
        )


@cache
def _copy_statement(model: type[models.Model]) -> str:
    history = getattr(model, model._meta.simple_history_manager_attribute).model  # type: ignore[attr-defined]
    kept = {f.column for f in history._meta.concrete_fields}
    names = names_of(f for f in columns_of(model) if f.column in kept)
    return (
        f"INSERT INTO {quoted(history)} ({names}, history_date, history_type, history_user_id,"  # noqa: S608 - our own names
        " history_change_reason, history_request_id)"
        f" SELECT {names}, %s, %s, %s, %s, %s FROM {quoted(model)} WHERE id = ANY(%s)"
    )


__all__ = ["HistoryRow", "bulk_create_tracked", "bulk_update_tracked", "tracked"]
