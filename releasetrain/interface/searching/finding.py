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

# The latest entries tell how many objects hold a word. What many hold is found among these at once, or among somewhat more of
# the latest; only for the rest is the index asked.
LATEST = 3_000
ENOUGH = 30
# More than this are not ranked, and not counted, if enough of them are among the later ones; of those, so many of a kind are.
MOST = 2_000
RANKED = 100
WINDOWS = (10, 100)
# Objects written a moment ago are read directly, so that nobody waits for the worker to find what they just wrote.
UNREAD = 300
_CANDIDATES = 40
# Reading an entry that the index found takes that many times as long as reading a word's place in the index (measured).
_DEARER = 15
_LATEST = """
    SELECT kind, array_agg(id ORDER BY changed_at DESC) FILTER (WHERE document @@ %s::tsquery),
      count(*), min(changed_at), max(changed_at) {alone}
    FROM (SELECT id, kind, document, changed_at FROM interface_searchentry ORDER BY changed_at DESC LIMIT %s) AS latest
    GROUP BY kind
"""
_ALONE = ", count(*) FILTER (WHERE document @@ %s::tsquery)"
_HOLDING = """
    SELECT kind, array_agg(id) FROM (
      SELECT id, kind FROM interface_searchentry WHERE document @@ %s::tsquery {since} LIMIT %s) AS held
    GROUP BY kind
"""
_SINCE = "AND changed_at >= %s"
_SIZE = "SELECT greatest(reltuples, %s) FROM pg_class WHERE oid = 'interface_searchentry'::regclass"
# Each beginning is looked up in the order of the words: hundreds of them cost a few milliseconds, however many words there
# are. The limit makes the planner do just that.
_ALIKE = """
    SELECT word FROM (
      SELECT DISTINCT known.word FROM unnest(%s::text[]) AS near (beginning) CROSS JOIN LATERAL (
        SELECT word FROM interface_searchword
        WHERE word >= near.beginning AND word < near.beginning || chr(1114111) LIMIT 2000) AS known
    ) AS alike ORDER BY similarity(word, %s) DESC LIMIT %s
"""


# The ids of entries, by kind.
Holding = dict[str, list[int]]


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
    """What is asked for: words, in one organization, of one kind or of all."""

    organization: UUID
    terms: tuple[str, ...]
    kind: str

    def of(self, places: Iterable[int]) -> str:
        """The question with these of its words only."""
        return words.query(self.organization, [self.terms[place] for place in places], self.kind)

    @property
    def whole(self) -> str:
        return self.of(range(len(self.terms)))


@dataclass(frozen=True)
class Latest:
    """What the latest entries tell: which of them hold all the words, by kind, and how many each word alone.

    `share` is their share of all entries of all organizations.
    """

    since: datetime | None
    until: datetime | None
    holding: Holding
    alone: tuple[int, ...]
    share: float

    @property
    def count(self) -> int:
        return _number(self.holding)

    @property
    def expected(self) -> float:
        """How many of all entries hold the words, if all are like the latest."""
        return self.count / self.share if self.share else 0

    def reach(self, enough: int) -> int:
        """Among how many of the latest there should be so many that hold all the words."""
        return round(1.5 * LATEST * enough / self.count)

    def are_quicker(self, enough: int) -> bool:
        """Whether reading more of the latest entries is quicker than what the index reads for each word.

        Reading an entry takes some four times as long as reading a word's place in the index (measured).
        """
        if not self.count:
            return False
        asked = self.rarest()
        places = sum(self.alone[place] for place in asked) / self.share
        if len(asked) < len(self.alone):
            places += _DEARER * min(self.alone) / self.share
        return 4 * self.reach(enough) < places

    def reaching(self, times: float) -> datetime | None:
        """Since when that many times as many entries were changed, if always as many were as lately."""
        if self.since is None or self.until is None:
            return None
        try:
            return self.until - times * (self.until - self.since)
        except OverflowError:
            return None

    def rarest(self) -> list[int]:
        """The words to ask the index for; that an object holds the others too is seen when it is read.

        Of a word in very many objects the index reads more than all objects with the rare words would take.
        """
        least = max(1, min(self.alone, default=0))
        return [place for place, count in enumerate(self.alone) if count <= _DEARER * least]


def candidates(
    actor: Actor, kinds: Sequence[Resource], terms: Sequence[str], per_kind: int, kind: str = ""
) -> list[Candidate]:
    """The best of each kind, best first; at most `per_kind` of each."""
    readable = {r.kind: r for r in kinds if actor.may_somewhere(r.requires)}
    noted = _notes()
    question = Question(actor.organization_id, tuple(terms), kind)
    entries = SearchEntry.objects.all()
    if noted:
        entries = entries.exclude(object_id__in=[object_id for _, object_id in noted])

    def best(holding: Holding | None, *, counted: bool) -> list[Candidate]:
        rows = entries.filter(_matches(question.whole) if holding is None else _are(holding))
        held = [each for known, each in readable.items() if holding is None or known in holding]
        return _best(_visible(rows, actor, held), question.whole, per_kind, counted=counted) if held else []

    return [*_unread(actor, readable, terms, noted), *_found(question, best, max(ENOUGH, per_kind))]


def _found(question: Question, best: Callable[..., list[Candidate]], enough: int) -> list[Candidate]:
    """What is best among as many of the latest entries as give enough of it, or else among all.

    First the entries are found that hold the words, whoever may see them, which tells the planner how few they are and of
    which kinds; what of them this person may see is decided by the query that ranks, counts and returns them.
    """
    latest = _latest(question)
    if latest.count >= enough:
        found = best({kind: ids[:RANKED] for kind, ids in latest.holding.items()}, counted=False)
        if _count(found) >= enough:
            return found
    if latest.are_quicker(enough):
        found = best(_latest(question, latest.reach(enough)).holding, counted=False)
        if _count(found) >= enough:
            return found
    asked = _asked(question, latest)
    if latest.expected < MOST:
        with _asking(asked):
            holding = _holding(question.whole)
        if _number(holding) < MOST:
            return best(holding, counted=True)
    for holding in _among_the_later(question, asked, latest, enough):
        found = best(holding, counted=False) if holding else []
        if _count(found) >= enough:
            return found
    with _asking(asked):
        return best(None, counted=True)


def _asked(question: Question, latest: Latest) -> str:
    """The rarest words, or all words where the rarest turn out to be frequent after all, if not lately."""
    rarest = question.of(latest.rarest())
    if rarest != question.whole and not min(latest.alone):
        with _asking(rarest):
            if _number(_holding(rarest)) >= MOST:
                return question.whole
    return rarest


def _among_the_later(question: Question, asked: str, latest: Latest, enough: int) -> Iterator[Holding]:
    """More and more of the later entries that hold the words."""
    first = [4 * enough / latest.count] if latest.count else []
    for times in (*first, *WINDOWS):
        since = latest.reaching(times)
        if since is not None:
            with _asking(asked):
                holding = _holding(question.whole, since)
            yield holding


def _number(holding: Holding) -> int:
    return sum(len(ids) for ids in holding.values())


def _count(found: Sequence[Candidate]) -> int:
    return sum({each.kind: each.count for each in found}.values())


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
    ids = [each for held in holding.values() for each in held]
    return Func(
        F("id"),
        Value(ids, ArrayField(BigIntegerField())),
        template="(%(expressions)s::bigint[]))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )


def _latest(question: Question, size: int | None = None) -> Latest:
    alone = [question.of([place]) for place in range(len(question.terms))] if size is None else []
    with connection.cursor() as cursor:
        cursor.execute(_LATEST.format(alone=_ALONE * len(alone)), [question.whole, *alone, size or LATEST])
        rows = cursor.fetchall()
        cursor.execute(_SIZE, [LATEST])
        (total,) = cursor.fetchone()
    return Latest(
        since=min((row[3] for row in rows), default=None),
        until=max((row[4] for row in rows), default=None),
        holding={row[0]: row[1] for row in rows if row[1]},
        alone=tuple(sum(row[5 + place] for row in rows) for place in range(len(alone))),
        share=sum(row[2] for row in rows) / total,
    )


def _holding(asked: str, since: datetime | None = None) -> Holding:
    """The entries that hold what is asked, or some of them where they are more than are ranked."""
    with connection.cursor() as cursor:
        sql = _HOLDING.format(since="" if since is None else _SINCE)
        cursor.execute(sql, [asked, *([] if since is None else [since]), MOST])
        return dict(cursor.fetchall())


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
