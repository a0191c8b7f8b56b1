"""Search over all kinds of objects that a person may see: the index finds, one query per kind shows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import CharField, Value
from django.db.models.functions import Cast
from django.utils.safestring import SafeString

from releasetrain.kernel.actor import Actor

from . import links
from .resources import Resource, resources
from .searching import finding, words
from .searching.highlighting import excerpt, marked
from .searching.texts import heading_of, is_named, texts_of_loaded

PER_KIND = 8
# What people search most, in the order of the work: of kinds that hold the words equally well these come first.
FIRST_KINDS = (
    *("feature", "release", "train", "changerequest", "incident", "problem", "review", "gate", "service"),
    *("workitem", "risk", "document"),
)
_LIKE_A_KEY = re.compile(r"[A-Za-z]{2,12}-\d+|[0-9a-fA-F-]{32,36}")


@dataclass(frozen=True)
class Hit:
    """One object found, and for which words."""

    resource: Resource
    obj: Any
    terms: tuple[str, ...] = ()
    body: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return links.url_for(self.obj)

    @property
    def key(self) -> str:
        return str(self.obj.key) if self.resource.lookup == "key" else ""

    @cached_property
    def title(self) -> str:
        """What the object is called beside its key."""
        named = (
            str(getattr(self.obj, n))
            for n in heading_of(self.resource)
            if n != "key" and getattr(self.obj, n, "")
        )
        return next(named, self.label if self.label != self.key else "")

    @cached_property
    def label(self) -> str:
        return str(self.obj)

    @property
    def state(self) -> str:
        """Where the object stands; some kinds call something else their state."""
        state = getattr(self.obj, "state", "")
        return state if isinstance(state, str) else ""

    @property
    def marked_key(self) -> SafeString:
        return marked(self.key, self.terms)

    @property
    def marked_title(self) -> SafeString:
        return marked(self.title, self.terms)

    @cached_property
    def excerpt(self) -> SafeString | str:
        """The words around the find, where key and title do not hold all that was asked for."""
        if words.holds((self.key, self.title), self.terms):
            return ""
        text = excerpt(self.body, self.terms)
        return marked(text, self.terms) if text != self.title else ""


@dataclass(frozen=True)
class Group:
    """What was found of one kind: the best of `count` objects, or of more where not all were counted."""

    resource: Resource
    hits: list[Hit]
    count: int
    counted: bool

    @property
    def more(self) -> bool:
        return self.count > len(self.hits) or not self.counted


@dataclass(frozen=True)
class Found:
    """What was found, by kind; `instead` is what was looked for when nothing held the words as they were written.

    `others` are the kinds that were not loaded because enough others were.
    """

    groups: list[Group] = field(default_factory=list)
    others: list[Group] = field(default_factory=list)
    instead: str = ""

    def __iter__(self) -> Iterator[tuple[Resource, list[Hit]]]:
        return iter([(group.resource, group.hits) for group in self.groups])

    @property
    def count(self) -> int:
        return sum(len(group.hits) for group in self.groups)


def find(
    actor: Actor, text: str, kind: str = "", per_kind: int = PER_KIND, groups: int | None = None
) -> Found:
    """Objects in which all words occur, by kind, so many kinds; the object whose key is the text comes first."""
    text = text.strip()[:200]
    terms = words.asked(text)
    kinds = [r for r in resources() if not kind or kind in (r.kind, r.plural)]
    if not terms or not kinds:
        return Found()
    found = _found(actor, kinds, text, terms, per_kind, groups)
    if found.groups:
        return found
    for other in finding.corrections(terms):
        found = _found(actor, kinds, " ".join(other), other, per_kind, groups)
        if found.groups:
            return replace(found, instead=" ".join(other))
    return Found()


def _found(
    actor: Actor,
    kinds: Sequence[Resource],
    text: str,
    terms: Sequence[str],
    per_kind: int,
    most: int | None,
) -> Found:
    order: dict[str, list[UUID]] = defaultdict(list)
    ranks: dict[str, float] = {}
    counts: dict[str, tuple[int, bool]] = {}
    # A key is looked up in the tables themselves: what was made a moment ago is found by it whatever the index knows.
    if _LIKE_A_KEY.fullmatch(text):
        for known, pk in named(actor, text.upper() if "-" in text else text):
            order[known].append(UUID(pk))
            counts[known] = (1, True)
    for each in finding.candidates(actor, kinds, terms, per_kind):
        if each.id not in order[each.kind]:
            order[each.kind].append(each.id)
        ranks[each.kind] = max(ranks.get(each.kind, 0), each.rank)
        before = counts.get(each.kind, (0, True))
        counts[each.kind] = (max(before[0], each.count), each.counted)
    by_kind = {resource.kind: resource for resource in kinds}
    groups: list[Group] = []
    others: list[Group] = []
    for known in sorted(set(order) & set(by_kind), key=lambda kind: _place(kind, ranks)):
        resource, ids, (count, counted) = by_kind[known], order[known][:per_kind], counts[known]
        if most is not None and len(groups) >= most:
            others.append(Group(resource, [], count, counted))
        elif hits := _hits(actor, resource, ids, terms):
            groups.append(Group(resource, hits, max(count, len(hits)), counted))
    groups.sort(key=lambda group: not any(_exact(hit, text) for hit in group.hits))
    return Found(groups, others)


def _place(kind: str, ranks: Mapping[str, float]) -> tuple[float, int, str]:
    """Kinds of which a key was asked for have no rank, and come first."""
    first = FIRST_KINDS.index(kind) if kind in FIRST_KINDS else len(FIRST_KINDS)
    return -round(ranks.get(kind, 9), 3), first, kind


def _hits(actor: Actor, resource: Resource, ids: Sequence[UUID], terms: Sequence[str]) -> list[Hit]:
    # Only what has no name of its own is written out by its neighbours; joining these takes longer than finding the rows.
    rows = resource.visible(actor) if is_named(resource) else resource.loaded(actor)
    objects = {obj.pk: obj for obj in rows.filter(pk__in=ids).order_by()}
    bodies = {each.id: each.body for each in texts_of_loaded(resource, objects, resource.visible(actor))}
    return [
        Hit(resource, objects[pk], tuple(terms), bodies.get(pk, ()))
        for pk in dict.fromkeys(ids)
        if pk in objects
    ]


def _exact(hit: Hit, text: str) -> bool:
    return hit.resource.reference_of(hit.obj).lower() == text.lower()


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
