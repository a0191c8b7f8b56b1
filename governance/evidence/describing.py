"""Rows as evidence: every stored field in plain values, references with the words people know, and the whole history."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Model, QuerySet

from releasetrain.kernel.canonical import plain
from releasetrain.tenancy.models import Organization

Entry = tuple[str, str, str, dict[str, Any]]

BATCH = 500
# JSON numbers are doubles: whole numbers beyond this lose digits, so they are written as text.
_EXACT = 2**53 - 1
# What only the machinery of a row needs, and what is the organization's own address.
_OMITTED = {"organization", "row_version", "claimed_until", "lease", "attempts", "stamp", "subjects"}
_CHANGE_WORDS = {"+": "created", "~": "changed", "-": "deleted"}


class Describer:
    """Describes rows for one package; remembers the names of people and things it has met."""

    def __init__(self) -> None:
        self._people: dict[uuid.UUID, str] = {}
        self._labels: dict[tuple[type[Model], Any], str] = {}

    @property
    def people(self) -> set[uuid.UUID]:
        """Everybody mentioned so far."""
        return set(self._people)

    @property
    def names(self) -> dict[str, str]:
        """Their names by id."""
        return {str(ident): name for ident, name in self._people.items()}

    def entries(
        self, rows: QuerySet, extra: Callable[[Any], dict[str, Any]] | None = None
    ) -> Iterator[Entry]:
        """The rows in the order they came into being, whatever order they were asked for in."""
        references = [f.name for f in _fields(rows.model) if isinstance(f, models.ForeignKey)]
        ordered = rows.order_by("pk").select_related(*references) if references else rows.order_by("pk")
        for batch in _batches(ordered.iterator(BATCH)):
            histories = self._histories(rows.model, [row.pk for row in batch])
            for row in batch:
                data = self.fields(row)
                if extra:
                    data |= {name: plain(value) for name, value in extra(row).items()}
                if histories is not None:
                    data["history"] = histories.get(row.pk, [])
                yield rows.model._meta.model_name or "", str(row.pk), str(row), data

    def fields(self, row: Model) -> dict[str, Any]:
        """Every stored field by its name."""
        return {f.name: self._value(row, f) for f in _fields(type(row))}

    def person(self, user_id: uuid.UUID | None) -> dict[str, str] | None:
        """Somebody by reference and name."""
        if user_id is None:
            return None
        if user_id not in self._people:
            self.meet([user_id])
        return {"id": str(user_id), "name": self._people[user_id]}

    def meet(self, user_ids: Iterable[uuid.UUID]) -> None:
        """Learn the names of these people in one query."""
        unknown = {u for u in user_ids if u and u not in self._people}
        if unknown:
            found = get_user_model()._default_manager.in_bulk(list(unknown))
            self._people |= {u: str(found[u]) if u in found else "" for u in unknown}

    def _value(self, row: Model, field: models.Field) -> Any:
        if isinstance(field, models.ForeignKey):
            return self._reference(row, field)
        value = getattr(row, field.attname)
        if isinstance(value, dict | list):
            return exact(plain(value))
        if isinstance(value, uuid.UUID) and field.name.endswith("_by"):
            return self.person(value)
        return plain(value)

    def _reference(self, row: Model, field: models.ForeignKey) -> Any:
        key = getattr(row, field.attname)
        if key is None:
            return None
        target = field.related_model
        if target is get_user_model():
            return self.person(key)
        if (target, key) not in self._labels:
            self._labels[target, key] = str(getattr(row, field.name))
        return {"kind": target._meta.model_name, "id": str(key), "label": self._labels[target, key]}

    def _histories(self, model: type[Model], ids: list[Any]) -> dict[Any, list[dict[str, Any]]] | None:
        """What happened to each of these rows, oldest first; None for models that keep no history."""
        manager = getattr(model, getattr(model._meta, "simple_history_manager_attribute", ""), None)
        if manager is None:
            return None
        kept = manager.model
        fields = [
            f
            for f in kept._meta.concrete_fields
            if not f.name.startswith("history_") and f.name not in (*_OMITTED, "id")
        ]
        found: dict[Any, list[dict[str, Any]]] = {}
        rows = list(kept.objects.filter(id__in=ids).order_by("id", "history_date", "history_id").values())
        self.meet(row["history_user_id"] for row in rows)
        previous: dict[str, Any] = {}
        for row in rows:
            same = previous.get("id") == row["id"]
            found.setdefault(row["id"], []).append(
                {
                    "at": plain(row["history_date"]),
                    "by": self.person(row["history_user_id"]),
                    "did": _CHANGE_WORDS.get(row["history_type"], row["history_type"]),
                    "reason": row["history_change_reason"] or "",
                    "request": row["history_request_id"],
                    "changes": _changes(fields, previous, row) if same else {},
                }
            )
            previous = row
        return found


def exact(value: Any) -> Any:
    """JSON from outside with whole numbers that no double holds written as text, so that it has a canonical form."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        return str(value)
    return value


def _fields(model: type[Model]) -> list[models.Field]:
    return [
        f
        for f in model._meta.concrete_fields
        if f.name not in _OMITTED
        and f.related_model is not Organization
        and not isinstance(f, models.BinaryField)
    ]


def _changes(
    fields: list[models.Field], before: dict[str, Any], after: dict[str, Any]
) -> dict[str, list[Any]]:
    changed = {}
    for f in fields:
        old, new = before[f.attname], after[f.attname]
        if old != new:
            changed[f.name] = [exact(plain(old)), exact(plain(new))]
    return changed


def _batches(rows: Iterator[Model]) -> Iterator[list[Model]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch
