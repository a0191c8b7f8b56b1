"""Tracked history: django-simple-history with attribution, one way for all models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import Func
from django.db.models.functions import Cast
from simple_history.models import HistoricalRecords

from releasetrain.tenancy.bulk import BATCH, as_json, batches, columns_of, insert, quoted
from releasetrain.tenancy.models import KeyedModel, TenantModel, next_keys


def transaction_id() -> Cast:
    """The database's own transaction id, as the default of a column."""
    return Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())


class HistoryRow(models.Model):
    """What every history row carries besides the tracked fields."""

    history_xid = models.BigIntegerField(db_default=transaction_id(), editable=False)
    history_request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        abstract = True


class _Records(HistoricalRecords):
    """History rows are written by the database itself (tenancy.guards), with whatever writes the row."""

    def copy_fields(self, model: type[models.Model]) -> dict[str, models.Field]:
        """History is asked for by object, which the guards' index answers; any other index only slows every write."""
        fields: dict[str, models.Field] = super().copy_fields(model)
        for field in fields.values():
            field.db_index = False
        return fields

    def create_historical_record(self, instance: Any, history_type: str, using: Any = None) -> None:
        """Nothing: the database has done it."""


def tracked(**options: Any) -> HistoricalRecords:
    """The history of a model. The user is kept as a plain id: history outlives people."""
    return _Records(
        bases=[HistoryRow],
        history_user_id_field=models.UUIDField(null=True, blank=True),
        **options,
    )


def bulk_create_tracked(objects: Sequence[TenantModel], batch_size: int = BATCH) -> list[Any]:
    """Insert many rows of one tracked model; they travel as JSON, several times faster than through the ORM."""
    listed = list(objects)
    _reserve_keys(listed)
    for each in listed:
        each.prepare_save()
    for batch in batches(listed, batch_size):
        insert(batch)
    return listed


def bulk_update_tracked(
    objects: Sequence[TenantModel], fields: Iterable[str], batch_size: int = BATCH
) -> int:
    """Update these fields of many rows of one tracked model; returns how many there were."""
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
    return updated


def _reserve_keys(objects: list[Any]) -> None:
    """One request for all keys that are missing, instead of one each."""
    keyless = [each for each in objects if isinstance(each, KeyedModel) and not each.key]
    if keyless:
        for each, key in zip(keyless, next_keys(keyless[0].key_prefix, len(keyless)), strict=True):
            each.key = key


__all__ = ["HistoryRow", "bulk_create_tracked", "bulk_update_tracked", "tracked"]
