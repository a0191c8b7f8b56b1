"""History: what happened to an object, from its history rows and the ledger, with the fields that changed."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from releasetrain.audit.models import LedgerEntry
from releasetrain.tenancy.models import Organization

from .resources import resource_of
from .values import Value, kind_of_value

MOST = 200
_UNTOLD = {"row_version", "organization", "created_at", "id"}


@dataclass
class Change:
    """One field before and after, as people read it."""

    name: str
    label: str
    old: Any
    new: Any

    @property
    def before(self) -> Value:
        return Value(kind_of_value(self.old), self.old)

    @property
    def after(self) -> Value:
        return Value(kind_of_value(self.new), self.new)


@dataclass
class Event:
    """One moment in the object's life."""

    at: datetime
    who: str
    verb: str = ""
    reason: str = ""
    request_id: str = ""
    changes: list[Change] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "who": self.who,
            "verb": self.verb,
            "reason": self.reason,
            "request_id": self.request_id,
            "changes": [{"field": c.name, "old": c.old, "new": c.new} for c in self.changes],
        }


def of(obj: Any) -> list[Event]:
    """Newest first: history rows, named by the ledger entries of their transactions, and acts without a change."""
    rows = _history_rows(obj)
    entries = list(
        LedgerEntry.objects.filter(subject_kind=obj._meta.model_name, subject_id=str(obj.pk)).order_by("-id")[
            :MOST
        ]
    )
    by_transaction: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        by_transaction[entry.xid].append(entry)
    people = _names({r.history_user_id for r in rows} | {e.actor_id for e in entries})
    labels = _labels(rows)
    resource = resource_of(obj)
    untold = _UNTOLD | ({*resource.hidden, *resource.only_now} if resource else set())
    events: list[Event] = []
    told: set[int] = set()
    for newer, older in itertools.zip_longest(rows, rows[1:]):
        acts = by_transaction.get(newer.history_xid, [])
        told |= {act.pk for act in acts}
        events.append(
            Event(
                at=newer.history_date,
                who=people.get(newer.history_user_id, "system"),
                verb=", ".join(dict.fromkeys(a.verb for a in reversed(acts))) or _word(newer),
                reason=next((_reason(a) for a in acts if _reason(a)), newer.history_change_reason or ""),
                request_id=newer.history_request_id,
                changes=_changes(newer, older, labels, untold)
                if older is not None or len(rows) < MOST
                else [],
            )
        )
    for entry in entries:
        if entry.pk not in told:
            who = people.get(entry.actor_id) or entry.actor_name or "system"
            events.append(Event(entry.at, who, entry.verb, _reason(entry), entry.request_id))
    return sorted(events, key=lambda e: e.at, reverse=True)


def _history_rows(obj: Any) -> list[Any]:
    name = getattr(obj._meta, "simple_history_manager_attribute", None)
    return list(getattr(obj, name).order_by("-history_id")[:MOST]) if name else []


def _word(row: Any) -> str:
    return {"+": "created", "~": "changed", "-": "deleted"}.get(row.history_type, "")


def _reason(entry: LedgerEntry) -> str:
    return str(json.loads(entry.body).get("reason") or "")


def _changes(newer: Any, older: Any, labels: dict[tuple[Any, Any], str], untold: set[str]) -> list[Change]:
    found = []
    for column in newer.tracked_fields:
        if column.name in untold:
            continue
        new = getattr(newer, column.attname)
        old = getattr(older, column.attname) if older is not None else None
        if new != old and not (older is None and new in ("", [], {})):
            label = str(column.verbose_name)
            found.append(
                Change(
                    column.name,
                    label[:1].upper() + label[1:],
                    _shown(column, old, labels),
                    _shown(column, new, labels),
                )
            )
    return found


def _shown(column: models.Field, value: Any, labels: dict[tuple[Any, Any], str]) -> Any:
    if value is None:
        return None
    if isinstance(column, models.ForeignKey):
        return labels.get((column.related_model, value), str(value))
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    return f"{len(value)} bytes" if isinstance(value, bytes | memoryview) else value


def _labels(rows: Iterable[Any]) -> dict[tuple[Any, Any], str]:
    """Labels of all referenced objects, one query per kind."""
    wanted: dict[Any, set[Any]] = defaultdict(set)
    for row in rows:
        for column in row.tracked_fields:
            if isinstance(column, models.ForeignKey) and column.related_model is not Organization:
                value = getattr(row, column.attname)
                if value is not None:
                    wanted[column.related_model].add(value)
    found = {}
    for model, ids in wanted.items():
        for obj in model._default_manager.filter(pk__in=ids):
            found[model, obj.pk] = str(obj)
    return found


def _names(ids: set[Any]) -> dict[Any, str]:
    return {user.pk: str(user) for user in get_user_model().objects.filter(pk__in={i for i in ids if i})}
