"""Search over all kinds of objects that a person may see: one query finds, one per kind shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast

from releasetrain.kernel.actor import Actor

from . import links
from .listing import searched
from .resources import Resource, resources

PER_KIND = 8


@dataclass(frozen=True)
class Hit:
    """One object found."""

    resource: Resource
    obj: Any

    @property
    def url(self) -> str:
        return links.url_for(self.obj)

    @property
    def key(self) -> str:
        return str(self.obj.key) if self.resource.lookup == "key" else ""

    @property
    def title(self) -> str:
        """What the object is called beside its key."""
        named = (
            str(getattr(self.obj, n))
            for n in ("title", "name", "version", "summary", "label")
            if getattr(self.obj, n, "")
        )
        return next(named, str(self.obj) if str(self.obj) != self.key else "")

    @property
    def label(self) -> str:
        return str(self.obj)


def find(actor: Actor, text: str, per_kind: int = PER_KIND) -> list[tuple[Resource, list[Hit]]]:
    """Objects in which all words occur, by kind; the object whose key is the text comes first."""
    text = text.strip()[:200]
    kinds = [r for r in resources() if r.search or r.lookup]
    if not text or not kinds:
        return []
    parts = [
        part
        for index, resource in enumerate(kinds)
        for part in _parts(actor, resource, index, text, per_kind)
    ]
    ids: dict[int, list[Any]] = defaultdict(list)
    found = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    for index, pk in found:
        if pk not in ids[index]:
            ids[index].append(pk)
    groups = []
    for index, keys in ids.items():
        resource = kinds[index]
        by_id = {str(obj.pk): obj for obj in resource.loaded(actor).filter(pk__in=keys[:per_kind])}
        hits = [Hit(resource, by_id[str(key)]) for key in keys[:per_kind] if str(key) in by_id]
        if hits:
            groups.append((resource, hits))
    groups.sort(key=lambda group: not any(_exact(group[0], hit, text) for hit in group[1]))
    return groups


def named(actor: Actor, reference: str) -> list[tuple[str, str]]:
    """(kind, id) of the objects that have this key, name or id, whatever their kind."""
    reference = reference.strip()
    prefix, _, number = reference.upper().partition("-")
    parts = []
    for resource in resources():
        condition = resource.condition(reference)
        own = getattr(resource.model, "key_prefix", prefix)
        # A key like CHG-12 names one kind of object; any other word may be the name of many kinds.
        if condition is not None and (own == prefix or not number.isdecimal()):
            which = Value(resource.kind, CharField())
            rows = resource.visible(actor).filter(condition).order_by()
            parts.append(
                rows.annotate(which=which, found=Cast("pk", CharField())).values_list("which", "found")
            )
    return list(parts[0].union(*parts[1:], all=True)) if parts else []


def _exact(resource: Resource, hit: Hit, text: str) -> bool:
    return resource.reference_of(hit.obj).lower() == text.lower()


def _parts(actor: Actor, resource: Resource, index: int, text: str, per_kind: int) -> list[QuerySet]:
    rows = resource.visible(actor)
    parts = []
    if resource.lookup:
        parts.append(rows.filter(**{f"{resource.lookup}__iexact": text})[:1])
    if resource.search:
        parts.append(searched(resource, rows, text).order_by("-pk")[:per_kind])
    return [
        part.annotate(which=Value(index), found=Cast("pk", CharField())).values_list("which", "found")
        for part in parts
    ]
