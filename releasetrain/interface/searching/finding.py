"""Asking the index: which objects hold all the words, among those that the asker may see.

What somebody may see is a part of the query itself: kinds that need a permission the asker lacks are not asked for, and
of kinds whose rows are not for everybody only those count that the kind's own rule lets this person see, now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Count,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import RowNumber

from releasetrain.interface.models import SearchEntry, SearchNote, SearchWord
from releasetrain.interface.resources import Resource
from releasetrain.kernel.actor import Actor

from . import words
from .texts import texts_of

# For each object of a kind that is shown, so many of its latest entries are read; so many times more where that promises enough.
LATEST, FURTHER = 25, 5
# If somebody may see so many of the latest of all kinds that hold the words, the index is not asked: it would read very many entries.
ENOUGH = 30
# A shorter number may begin very many others.
LONG = 4
# The beginning of more known words than this is looked up as a beginning, for which the index reads every place of them all.
MEANT = 100
# Of a kind of which more hold the words, the number is not told, and only the latest are ranked.
COUNTED = 500
RANKED = 100
# Objects written a moment ago are read directly, so that nobody waits for the worker to find what they just wrote.
UNREAD = 300
_CANDIDATES = 40
_LATEST = """
    SELECT asked.kind, array_agg(id ORDER BY changed_at DESC) FILTER (WHERE document @@ %s::tsquery), count(*)
    FROM unnest(%s::text[]) AS asked (kind) CROSS JOIN LATERAL (
      SELECT id, document, changed_at FROM interface_searchentry WHERE kind = asked.kind
      ORDER BY changed_at DESC LIMIT %s) AS latest
    GROUP BY asked.kind
"""
_HOLDING = """
    SELECT kind, (array_agg(id ORDER BY changed_at DESC))[1:%s], count(*) FROM interface_searchentry
    WHERE document @@ %s::tsquery AND kind = ANY (%s) GROUP BY kind
"""
_MEANT = """
    SELECT asked.beginning, array_agg(word) FROM unnest(%s::text[]) AS asked (beginning) CROSS JOIN LATERAL (
      SELECT word FROM interface_searchword
      WHERE word >= asked.beginning AND word < asked.beginning || chr(1114111) LIMIT %s) AS known
    GROUP BY asked.beginning
"""
# Each beginning is looked up in the order of the words: hundreds of them cost a few milliseconds, however many words there
# are. The limit makes the planner do just that.
_ALIKE = """
    SELECT word FROM (
      SELECT DISTINCT known.word FROM unnest(%s::text[]) AS near (beginning) CROSS JOIN LATERAL (
        SELECT word FROM interface_searchword
        WHERE word >= near.beginning AND word < near.beginning || chr(1114111) LIMIT 2000) AS known
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


@dataclass(frozen=True)
class Question:
    """What is asked for, in one organization: objects of which some words begin with these."""

    organization: UUID
    terms: tuple[str, ...]

    @property
    def whole(self) -> str:
        """What the documents are compared with."""
        return words.query(self.organization, self.terms)

    def of(self, meant: Mapping[str, Sequence[str]]) -> str:
        """What the index is asked for: one of the known words that are meant by each term, or else its beginning.

        Terms that begin very many words are asked for only if all do: the index would read every place of these words.
        """
        few = [term for term in self.terms if not words.are_all_learned(term) and len(term) >= LONG]
        beginnings = few if meant or few else self.terms
        return words.query(self.organization, beginnings, meant.values())


@dataclass(frozen=True)
class Held:
    """The entries of one kind that hold the words, the latest first: all of them, if they were counted."""

    ids: list[int]
    counted: bool


Holding = dict[str, Held]


def candidates(
    actor: Actor, kinds: Sequence[Resource], terms: Sequence[str], per_kind: int
) -> list[Candidate]:
    """The best of each kind, best first; at most `per_kind` of each."""
    readable = {r.kind: r for r in kinds if actor.may_somewhere(r.requires)}
    noted = _notes()
    question = Question(actor.organization_id, tuple(terms))
    entries = SearchEntry.objects.all()
    if noted:
        entries = entries.exclude(object_id__in=[object_id for _, object_id in noted])
    return [*_unread(actor, readable, terms, noted), *_found(actor, readable, question, entries, per_kind)]


def _found(
    actor: Actor, readable: Mapping[str, Resource], question: Question, entries: QuerySet, per_kind: int
) -> list[Candidate]:
    """The best of the latest of each kind, and of what the index gives of kinds of which the latest do not hold enough.

    First the entries are found that hold the words, whoever may see them, which tells the planner how few they are and of
    which kinds; what of them this person may see is decided by the query that ranks, counts and returns them.
    """
    enough = max(ENOUGH, per_kind)
    holding = _latest(question, list(readable), LATEST * per_kind)
    short = [kind for kind, held in holding.items() if not held.counted and len(held.ids) < per_kind]
    if short and _number(holding) < enough <= FURTHER * _number(holding):
        holding.update(_latest(question, short, FURTHER * LATEST * per_kind))

    def best() -> list[Candidate]:
        held = [readable[kind] for kind, each in holding.items() if each.ids]
        rows = _visible(entries.filter(_are(holding)), actor, held)
        return _best(rows, question.whole, per_kind, holding) if held else []

    meant = None
    found = best() if _number(holding) >= enough else []
    if short and sum(_counts(found).values()) < enough:
        # So few, or so few of them for this person, that the index has few to give or others have to be looked for.
        meant = _meant(question.terms)
        holding.update(_holding(question, short, meant))
        found = []
    found = found or best()
    seen = _counts(found)
    # Of the latest of a kind whose rows are not for everybody this person may see too few, and perhaps others.
    lacking = [
        readable[kind]
        for kind, each in holding.items()
        if readable[kind].rows is not None and not each.counted and each.ids and seen.get(kind, 0) < per_kind
    ]
    if not lacking:
        return found
    with _asking(question.of(_meant(question.terms) if meant is None else meant)):
        rows = _visible(entries.filter(_matches(question.whole)), actor, lacking)
        rest = _best(rows, question.whole, per_kind, {})
    others = {each.kind for each in lacking}
    return sorted([*(each for each in found if each.kind not in others), *rest], key=lambda each: -each.rank)


def _counts(found: Sequence[Candidate]) -> dict[str, int]:
    return {each.kind: each.count for each in found}


def _visible(entries: QuerySet, actor: Actor, readable: Sequence[Resource]) -> QuerySet:
    condition = Q(kind__in=[r.kind for r in readable if r.rows is None])
    for resource in readable:
        if resource.rows is not None:
            # A value and not EXISTS: of that the planner makes a list of all rows of the kind that one may see.
            own = resource.visible(actor).filter(pk=OuterRef("object_id")).order_by().values("pk")[:1]
            condition |= Q(kind=resource.kind, object_id=Subquery(own))
    return entries.filter(condition)


def _matches(asked: str) -> Func:
    return Func(
        F("document"),
        Value(asked),
        template="(%(expressions)s::tsquery)",
        arg_joiner=" @@ ",
        output_field=BooleanField(),
    )


def _are(holding: Holding) -> Func:
    ids = [each for held in holding.values() for each in held.ids]
    return Func(
        F("id"),
        Value(ids, ArrayField(BigIntegerField())),
        template="(%(expressions)s::bigint[]))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )


def _number(holding: Holding) -> int:
    return sum(len(held.ids) for held in holding.values())


def _latest(question: Question, kinds: Sequence[str], most: int) -> Holding:
    """Of each kind, which of its latest entries hold the words; counted where these are all that there are."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [question.whole, kinds, most])
        return {
            kind: Held((ids or [])[: most if read < most else RANKED], read < most)
            for kind, ids, read in cursor.fetchall()
        }


def _holding(question: Question, kinds: Sequence[str], meant: Mapping[str, Sequence[str]]) -> Holding:
    """The entries of these kinds that hold the words, as the index has them."""
    with _asking(question.of(meant)), connection.cursor() as cursor:
        cursor.execute(_HOLDING, [COUNTED, question.whole, kinds])
        found = {
            kind: Held(ids[: COUNTED if count <= COUNTED else RANKED], count <= COUNTED)
            for kind, ids, count in cursor.fetchall()
        }
    return {kind: found.get(kind, Held([], counted=True)) for kind in kinds}


def _meant(terms: Sequence[str]) -> dict[str, list[str]]:
    """The known words that begin like each term, for the terms of which those are few; of every such word some are known."""
    asked = [term for term in terms if words.are_all_learned(term)]
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_MEANT, [asked, MEANT + 1])
        known = dict(cursor.fetchall())
    return {term: known.get(term, []) for term in asked if len(known.get(term, [])) <= MEANT}


def _best(entries: QuerySet, asked: str, per_kind: int, holding: Mapping[str, Held]) -> list[Candidate]:
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
        Candidate(kind, object_id, rank, count, kind not in holding or holding[kind].counted)
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
