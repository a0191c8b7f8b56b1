"""Asking the index: which objects hold all the words, among those that the asker may see.

What somebody may see is a part of the query itself: kinds that need a permission the asker lacks are not asked for, and
of kinds whose rows are not for everybody only those count that the kind's own rule lets this person see, now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
    Window,
)
from django.db.models.functions import RowNumber

from releasetrain.interface.models import SearchEntry, SearchNote, SearchWord
from releasetrain.interface.resources import Resource
from releasetrain.kernel.actor import Actor

from . import words
from .texts import texts_of

# A word that many objects hold is found among the latest at once; only for the others is the whole index asked.
LATEST = 3_000
ENOUGH = 60
# Objects written a moment ago are read directly, so that nobody waits for the worker to find what they just wrote.
UNREAD = 300
_CANDIDATES = 40


@dataclass(frozen=True)
class Candidate:
    """An object that holds the words: `count` objects of its kind do, as far as they were counted."""

    kind: str
    id: UUID
    rank: float
    count: int
    counted: bool


def candidates(
    actor: Actor, kinds: Sequence[Resource], terms: Sequence[str], per_kind: int, kind: str = ""
) -> list[Candidate]:
    """The best of each kind, best first; at most `per_kind` of each."""
    readable = [r for r in kinds if actor.may_somewhere(r.requires)]
    fresh = _unread(actor, readable, terms)
    asked = words.query(actor.organization_id, terms, kind)
    written = [object_id for _, object_id in _notes()]
    entries = _visible(SearchEntry.objects.all(), actor, readable).exclude(object_id__in=written)
    found = _latest(entries, asked, per_kind)
    if sum(each.count for each in {c.kind: c for c in found}.values()) < ENOUGH:
        with _asking(asked):
            found = _best(entries, asked, per_kind, counted=True)
    return [*fresh, *found]


def _visible(entries: QuerySet, actor: Actor, readable: Sequence[Resource]) -> QuerySet:
    condition = Q(kind__in=[r.kind for r in readable if r.rows is None])
    for resource in readable:
        if resource.rows is not None:
            own = resource.visible(actor).filter(pk=OuterRef("object_id")).order_by()
            condition |= Q(Q(kind=resource.kind), Exists(own))
    return entries.filter(condition)


def _latest(entries: QuerySet, asked: str, per_kind: int) -> list[Candidate]:
    last = SearchEntry.objects.order_by("-changed_at").values_list("changed_at", flat=True)
    since = next(iter(last[LATEST - 1 : LATEST]), None)
    if since is None:
        return []
    matches = Func(
        F("document"),
        Value(asked),
        template="(%(expressions)s::tsquery)",
        arg_joiner=" @@ ",
        output_field=BooleanField(),
    )
    return _best(entries.filter(matches, changed_at__gte=since), asked, per_kind, counted=False)


def _best(entries: QuerySet, asked: str, per_kind: int, *, counted: bool) -> list[Candidate]:
    rank = Func(
        F("document"), Value(asked), template="ts_rank(%(expressions)s::tsquery)", output_field=FloatField()
    )
    by_kind = {"partition_by": [F("kind")]}
    rows = (
        entries.annotate(rank=rank)
        .annotate(
            place=Window(RowNumber(), order_by=[F("rank").desc(), F("changed_at").desc()], **by_kind),
            count=Window(Count("*"), **by_kind),
        )
        .filter(place__lte=per_kind)
        .order_by("-rank", "-changed_at")
    )
    return [
        Candidate(kind, object_id, rank, count, counted)
        for kind, object_id, rank, count in rows.values_list("kind", "object_id", "rank", "count")
    ]


@contextmanager
def _asking(asked: str) -> Iterator[None]:
    """The question as a part of row security, by which alone the text index is used (see `interface.guards`)."""
    _set_question(asked)
    yield
    _set_question("")


def _set_question(asked: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('releasetrain.asked', %s, true)", [asked])


def _notes() -> list[tuple[str, UUID]]:
    return list(SearchNote.objects.order_by("-id").values_list("kind", "object_id")[:UNREAD])


def _unread(actor: Actor, readable: Sequence[Resource], terms: Sequence[str]) -> list[Candidate]:
    """Objects that hold the words and were written since the index was last brought up to date."""
    by_kind: dict[str, list[UUID]] = {}
    for kind, object_id in _notes():
        by_kind.setdefault(kind, []).append(object_id)
    found = []
    for resource in readable:
        if resource.kind in by_kind:
            rows = texts_of(resource, by_kind[resource.kind], resource.visible(actor))
            held = [each for each in rows if words.holds(each.all, terms)]
            found += [
                Candidate(resource.kind, each.id, 1.0 + words.holds(each.heading, terms), len(held), True)
                for each in held
            ]
    return sorted(found, key=lambda each: -each.rank)


def corrections(terms: Sequence[str]) -> list[list[str]]:
    """Other ways to write the question, most like it first, for words that occur nowhere."""
    options = [_options(term) for term in terms]
    if not any(len(each) > 1 for each in options):
        return []
    most = max(len(each) for each in options)
    return [[each[min(turn, len(each) - 1)] for each in options] for turn in range(1, most)]


def _options(term: str) -> list[str]:
    """The word as it was asked for, then the known words that are most like it."""
    if not term.isalpha() or len(term) < 4:
        return [term]
    known = SearchWord.objects.filter(word__gte=term, word__lt=f"{term}\U0010ffff")
    if known.exists():
        return [term]
    alike = (
        SearchWord.objects.filter(word__gte=term[0], word__lt=chr(ord(term[0]) + 1))
        .annotate(likeness=TrigramSimilarity("word", term))
        .filter(likeness__gt=0.2)
        .order_by("-likeness")
        .values_list("word", flat=True)[:_CANDIDATES]
    )
    return [term, *words.closest(term, alike)]
