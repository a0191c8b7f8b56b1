"""Following: who watches an object, or acts wherever they happen, is told of the entries of the ledger that fit."""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Sequence
from typing import Any

import orjson
from django.db.models import Q

from releasetrain.audit.doorway import actions
from releasetrain.audit.subscriptions import subscribe_among
from releasetrain.exchange.models import Watch
from releasetrain.exchange.telling import deliver
from releasetrain.exchange.wording import told
from releasetrain.interface.notices import Notice, declare_kind
from releasetrain.interface.resources import by_kind, resource_of
from releasetrain.kernel.refusals import Ref

NAME = "watched"
# Of what happens to everybody's own things nobody else is told.
_PRIVATE = (
    "notification.",
    "notification_settings.",
    "watch.",
    "saved_view.",
    "api_token.",
    "service_account.",
)

declare_kind(NAME, "What you follow")


def _matching(verb: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(verb, each) for each in patterns)


def watched_entries() -> Q | None:
    """What somebody in the organization follows; None while nobody follows anything."""
    patterns: set[str] = set()
    for verbs in Watch.objects.values_list("verbs", flat=True):
        patterns.update(verbs or ["*"])
    if not patterns:
        return None
    chosen = sorted(patterns)
    public = [verb for verb in actions() if not verb.startswith(_PRIVATE) and _matching(verb, chosen)]
    return Q(verb__in=public)


def concerning_watchers(entries: Sequence[Any]) -> list[Any]:
    """Entries that somebody may have to be told of: about what is watched, or of what is followed everywhere."""
    everywhere: set[str] = set()
    watched: set[uuid.UUID] = set()
    for object_id, verbs in Watch.objects.values_list("object_id", "verbs"):
        if object_id is None:
            everywhere.update(verbs or ["*"])
        else:
            watched.add(object_id)
    followed = {verb for verb in {e.verb for e in entries} if _matching(verb, sorted(everywhere) or [""])}
    belongs = _belongings(entries) if watched else {}
    return [
        entry
        for entry in entries
        if entry.verb in followed
        or watched & _as_uuids(_named(entry) | belongs.get((entry.subject_kind, entry.subject_id), set()))
    ]


def _belongings(entries: Sequence[Any]) -> dict[tuple[str, str], set[str]]:
    """What the subjects of the entries belong to, in one query for each kind."""
    subjects: dict[str, set[str]] = {}
    for entry in entries:
        subjects.setdefault(entry.subject_kind, set()).add(entry.subject_id)
    found = {}
    for kind, ids in subjects.items():
        resource = by_kind(kind)
        fields = [field.attname for field in resource.references] if resource else []
        if resource and fields:
            rows = resource.model._default_manager.filter(pk__in=_as_uuids(ids)).order_by()
            for pk, *values in rows.values_list("pk", *fields):
                found[kind, str(pk)] = {str(value) for value in values if value is not None}
    return found


@subscribe_among(watched_entries, name="watches", sift=concerning_watchers)
def tell_watchers(entry: Any) -> None:
    """Tell those who follow the object, what it is part of, or what was done."""
    concerned = _concerned(entry)
    about = Q(object_id__in=concerned) if concerned else Q(pk__in=[])
    watches = Watch.objects.filter(Q(object_id__isnull=True) | about, created_at__lte=entry.at)
    readers = {
        watch.user_id
        for watch in watches
        if _matching(entry.verb, watch.verbs) and watch.user_id != entry.actor_id
    }
    if not readers:
        return
    resource = by_kind(entry.subject_kind)
    title = told(entry.subject_label, entry.verb)
    reason = orjson.loads(entry.body).get("reason") or ""
    ref = Ref(entry.subject_kind, entry.subject_id, entry.subject_label) if resource else None
    deliver(f"watch:{entry.pk}", NAME, Notice(readers, title, reason, ref))


def _concerned(entry: Any) -> set[uuid.UUID]:
    """The objects that the entry is about: its subject, what its parameters name, and what the subject belongs to."""
    named = _named(entry)
    resource = by_kind(entry.subject_kind)
    subject = resource.model._default_manager.filter(pk=entry.subject_id).first() if resource else None
    if subject is not None:
        known = resource_of(subject)
        for field in known.references if known else ():
            value = getattr(subject, field.attname)
            if value is not None:
                named.add(str(value))
    return _as_uuids(named)


def _named(entry: Any) -> set[str]:
    """The entry's subject, and what its parameters name."""
    named = {entry.subject_id}
    for value in orjson.loads(entry.body).get("payload", {}).get("params", {}).values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and "kind" in each and "id" in each:
                named.add(str(each["id"]))
    return named


def _as_uuids(named: set[str]) -> set[uuid.UUID]:
    return {found for each in named if (found := _as_uuid(each)) is not None}


def _as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
