"""Asking the index: which objects hold all the words, among those that the asker may see.

What somebody may see is a part of the query itself: kinds that need a permission the asker lacks are not asked for, and
of kinds whose rows are not for everybody only those count that the kind's own rule lets this person see, now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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

# A word that many objects hold is found among the latest at once; only for the others is the index asked, and what more
# objects hold than can be ranked at once is found among more and more of the latest.
LATEST = 3_000
WINDOWS = (30_000, 300_000)
ENOUGH = 60
MOST = 3_000
# Objects written a moment ago are read directly, so that nobody waits for the worker to find what they just wrote.
UNREAD = 300
_CANDIDATES = 40
_LATEST = """
    SELECT kind, count(*) FILTER (WHERE document @@ asked.query), min(changed_at)
    FROM (SELECT kind, document, changed_at FROM interface_searchentry ORDER BY changed_at DESC LIMIT %s) AS latest,
      (SELECT %s::tsquery AS query) AS asked
    GROUP BY kind
"""
_HOLDING = """
    SELECT kind, count(*) FROM (SELECT kind FROM interface_searchentry LIMIT %s) AS held GROUP BY kind
"""
# Each beginning is looked up in the order of the words: hundreds of them cost a few milliseconds, however many words there are.
_ALIKE = """
    SELECT word FROM (
      SELECT DISTINCT known.word FROM unnest(%s::text[]) AS near (beginning) CROSS JOIN LATERAL (
        SELECT word FROM interface_searchword
        WHERE word >= near.beginning AND word < near.beginning || chr(1114111)) AS known
    ) AS alike ORDER BY similarity(word, %s) DESC LIMIT %s
"""


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
    readable = {r.kind: r for r in kinds if actor.may_somewhere(r.requires)}
    noted = _notes()
    asked = words.query(actor.organization_id, terms, kind)
    entries = SearchEntry.objects.all()
    if noted:
        entries = entries.exclude(object_id__in=[object_id for _, object_id in noted])

    def best(holding: Iterable[str], since: datetime | None) -> list[Candidate]:
        held = [readable[each] for each in holding if each in readable]
        rows = entries if since is None else entries.filter(_matches(asked), changed_at__gte=since)
        return _best(_visible(rows, actor, held), asked, per_kind, counted=since is None) if held else []

    return [*_unread(actor, readable, terms, noted), *_found(asked, list(readable), best)]


def _found(
    asked: str, readable: Sequence[str], best: Callable[[Iterable[str], datetime | None], list[Candidate]]
) -> list[Candidate]:
    """What is best among as many of the latest entries as give enough of it, or else among all.

    Which kinds hold the words is asked first, of few entries or of the index alone: whether this person may see a row is
    then decided for these kinds only, and a question that nothing answers costs next to nothing.
    """
    since, holding = _among_latest(asked)
    if sum(holding.values()) >= ENOUGH:
        found = best(holding, since)
        if _count(found) >= ENOUGH:
            return found
    with _asking(asked):
        holding = _holding(MOST)
        if sum(holding.values()) < MOST:
            return best(holding, None)
    for size in WINDOWS:
        since = _moment(size)
        if since is None:
            break
        with _asking(asked):
            found = best(readable, since)
        if _count(found) >= ENOUGH:
            return found
    with _asking(asked):
        return best(readable, None)


def _count(found: Sequence[Candidate]) -> int:
    return sum({each.kind: each.count for each in found}.values())


def _visible(entries: QuerySet, actor: Actor, readable: Sequence[Resource]) -> QuerySet:
    condition = Q(kind__in=[r.kind for r in readable if r.rows is None])
    for resource in readable:
        if resource.rows is not None:
            own = resource.visible(actor).filter(pk=OuterRef("object_id")).order_by()
            condition |= Q(Q(kind=resource.kind), Exists(own))
    return entries.filter(condition)


def _matches(asked: str) -> Func:
    return Func(
        F("document"),
        Value(asked),
        template="(%(expressions)s::tsquery)",
        arg_joiner=" @@ ",
        output_field=BooleanField(),
    )


def _among_latest(asked: str) -> tuple[datetime | None, dict[str, int]]:
    """Since when the latest entries were changed, and how many of which kind hold the words."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [LATEST, asked])
        rows = cursor.fetchall()
    return min((since for _, _, since in rows), default=None), {
        kind: count for kind, count, _ in rows if count
    }


def _holding(most: int) -> dict[str, int]:
    """The kinds whose entries hold what is asked, with their numbers, as far as `most` entries in all."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING, [most])
        return dict(cursor.fetchall())


def _moment(size: int) -> datetime | None:
    """Since when this many entries were changed, whatever they hold; None when there are fewer."""
    last = SearchEntry.objects.order_by("-changed_at").values_list("changed_at", flat=True)
    return next(iter(last[size - 1 : size]), None)


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


def _unread(
    actor: Actor,
    readable: Mapping[str, Resource],
    terms: Sequence[str],
    noted: Iterable[tuple[str, UUID]],
) -> list[Candidate]:
    """Objects that hold the words and were written since the index was last brought up to date."""
    by_kind: dict[str, list[UUID]] = {}
    for kind, object_id in noted:
        if kind in readable:
            by_kind.setdefault(kind, []).append(object_id)
    found = []
    for kind in [each for each in readable if each in by_kind]:
        rows = texts_of(readable[kind], by_kind[kind], readable[kind].visible(actor))
        held = [each for each in rows if words.holds(each.all, terms)]
        found += [
            Candidate(kind, each.id, 1.0 + words.holds(each.heading, terms), len(held), True) for each in held
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
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, [words.near_beginnings(term), term, _CANDIDATES])
        alike = [word for (word,) in cursor.fetchall()]
    return [term, *words.closest(term, alike)]
