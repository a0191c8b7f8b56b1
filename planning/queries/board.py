"""The program board of one Program Increment: loaded with a fixed number of queries, ready to be drawn.

The rules judge (planning.rules.board); this module loads rows, asks them and lays out the answers.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Q

from planning.models import Feature, FeatureDependency, FeatureKind, TeamCapacity, Theme
from planning.rules import board as rules
from planning.rules.graph import cycle_sentence, find_cycle
from planning.states import LIVE_DEPENDENCY, FeatureState
from trains.models import Iteration, Milestone, ProgramIncrement, Release, Team

# Words of the strings for the page: "ok", "warn", "bad".
TONE = {
    rules.StringState.HEALTHY: "ok",
    rules.StringState.AT_RISK: "warn",
    rules.StringState.CONFLICT: "bad",
}
NEAR = 0.92
DRAWN = (*LIVE_DEPENDENCY, "done")
_STATUS = {
    "blocked": ("bad", "Blocked"),
    "bad": ("bad", "Conflict"),
    "warn": ("warn", "At risk"),
    "done": ("ok", "Done"),
    "in_progress": ("ok", "On track"),
    "planned": ("idle", "Not started"),
}


@dataclass(slots=True)
class Card:
    """A feature as the board shows it."""

    id: uuid.UUID
    key: str
    title: str
    kind: str
    kind_label: str
    points: int
    wsjf: str
    version: int
    state: str
    team_id: uuid.UUID
    iteration_id: uuid.UUID
    theme_id: uuid.UUID | None
    blocked: str
    needs: int = 0
    needed_by: int = 0
    tone: str = "ok"
    word: str = ""
    quiet: bool = True
    shown: bool = True


@dataclass(slots=True)
class Cell:
    """A team's iteration: its cards, and their load against capacity without buffer."""

    team: Team
    iteration: Iteration
    cards: list[Card] = field(default_factory=list)
    load: int = 0
    limit: int | None = None
    capacity: TeamCapacity | None = None
    sentence: str = ""

    @property
    def over(self) -> bool:
        return self.limit is not None and self.load > self.limit

    @property
    def mood(self) -> str:
        if self.limit is None:
            return ""
        return "over" if self.over else "near" if self.load > NEAR * self.limit else ""


@dataclass(slots=True)
class Column:
    """An iteration with its dates and milestones."""

    iteration: Iteration
    days: str
    now: bool
    milestones: list[tuple[date, str]] = field(default_factory=list)


@dataclass(slots=True)
class Row:
    """A team with its cells, in the order of the columns."""

    team: Team
    cells: list[Cell]


@dataclass(slots=True)
class Edge:
    """A dependency as a string between two cards, or an entry of the list when an end is not on the board."""

    id: uuid.UUID
    provider_id: uuid.UUID
    consumer_id: uuid.UUID
    provider: str
    consumer: str
    tone: str
    sentence: str
    state: str
    slack: int | None
    drawn: bool


@dataclass(slots=True)
class Board:
    """Everything the page shows of one Program Increment."""

    pi: ProgramIncrement
    columns: list[Column]
    rows: list[Row]
    cards: dict[uuid.UUID, Card]
    edges: list[Edge]
    cycle: str = ""

    @property
    def conflicts(self) -> list[Edge]:
        return [e for e in self.edges if e.tone == "bad"]

    @property
    def at_risk(self) -> list[Edge]:
        return [e for e in self.edges if e.tone == "warn"]

    @property
    def overloads(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells if cell.over]

    @property
    def conflict_count(self) -> int:
        return len(self.conflicts) + len(self.overloads) + bool(self.cycle)

    @property
    def strings(self) -> list[list[str]]:
        """Provider, consumer, tone, for the drawing."""
        hidden = {card.id for card in self.cards.values() if not card.shown}
        ends = [(e, e.provider_id, e.consumer_id) for e in self.edges if e.drawn]
        return [[str(p), str(c), e.tone] for e, p, c in ends if p not in hidden and c not in hidden]


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What of the board is shown: teams, kinds, a theme, only what is in danger."""

    team: str = ""
    kind: str = ""
    theme: str = ""
    risk: bool = False

    @property
    def active(self) -> bool:
        return bool(self.team or self.kind or self.theme or self.risk)


def board_version(pi: ProgramIncrement) -> str:
    """A text that changes whenever anything on the board does: ids and row versions, hashed."""
    seen = hashlib.sha256()
    on_board = Feature.objects.filter(pi=pi)
    ends = Q(provider__pi=pi) | Q(consumer__pi=pi)
    for rows in (
        on_board.order_by("pk").values_list("pk", "row_version"),
        FeatureDependency.objects.filter(ends)
        .order_by("pk")
        .values_list("pk", "row_version", "provider__row_version"),
        TeamCapacity.objects.filter(iteration__pi=pi).order_by("pk").values_list("pk", "row_version"),
        Milestone.objects.filter(train=pi.train_id).order_by("pk").values_list("pk", "row_version"),
        Team.objects.filter(train=pi.train_id).order_by("pk").values_list("pk", "row_version"),
        Release.objects.filter(train=pi.train_id).order_by("pk").values_list("pk", "row_version"),
    ):
        seen.update(repr(list(rows)).encode())
    seen.update(f"{pi.pk}{pi.row_version}".encode())
    return seen.hexdigest()


def load_board(pi: ProgramIncrement, today: date, shown: BoardFilter | None = None) -> Board:
    """The board of a Program Increment: eight queries, however many cards."""
    iterations = list(pi.iterations.order_by("starts", "number"))
    teams = list(Team.objects.filter(train=pi.train_id).order_by("name"))
    columns = [_column(each, today) for each in iterations]
    _milestones(pi, columns)
    cards = {card.id: card for card in _cards(pi)}
    capacities = {
        (c.team_id, c.iteration_id): c
        for c in TeamCapacity.objects.filter(iteration__in=[i.pk for i in iterations])
    }
    dependencies = list(
        FeatureDependency.objects.filter(Q(provider__pi=pi) | Q(consumer__pi=pi), state__in=DRAWN)
        .order_by("created_at")
        .values(
            "id",
            "state",
            "needed_in_id",
            "provider_id",
            "consumer_id",
            "provider__key",
            "consumer__key",
            "provider__title",
            "consumer__title",
            "provider__team__name",
            "consumer__team__name",
            "provider__state",
            "provider__iteration__starts",
            "consumer__iteration__starts",
        )
    )
    board = Board(pi, columns, [], cards, [])
    team_names = {team.pk: team.name for team in teams}
    judge = _judge(iterations, cards.values(), team_names, dependencies)
    board.edges = [_edge(judge, each, cards, iterations) for each in dependencies]
    board.cycle = _cycle(dependencies)
    board.rows = _rows(teams, iterations, cards.values(), capacities)
    _mark(board, shown or BoardFilter())
    return board


def _column(iteration: Iteration, today: date) -> Column:
    last = iteration.ends - timedelta(days=1)
    first = (
        f"{iteration.starts.day}"
        if iteration.starts.month == last.month
        else f"{iteration.starts.day} {iteration.starts:%b}"
    )
    return Column(iteration, f"{first}–{last.day} {last:%b}", iteration.starts <= today < iteration.ends)


def _milestones(pi: ProgramIncrement, columns: list[Column]) -> None:
    marks: list[tuple[date, str]] = [
        (m.on, m.name) for m in Milestone.objects.filter(train=pi.train_id, on__gte=pi.starts, on__lt=pi.ends)
    ]
    marks += [
        (r.target_at.date(), f"Release {r.version}")
        for r in Release.objects.filter(
            train=pi.train_id, target_at__date__gte=pi.starts, target_at__date__lt=pi.ends
        )
        .exclude(state="cancelled")
        .only("version", "target_at")
        if r.target_at
    ]
    for day, name in sorted(marks):
        column = next((c for c in columns if c.iteration.starts <= day < c.iteration.ends), None)
        if column:
            column.milestones.append((day, name))


def _cards(pi: ProgramIncrement) -> Iterable[Card]:
    labels = dict(FeatureKind.choices)
    rows = (
        Feature.objects.filter(pi=pi, iteration__isnull=False)
        .exclude(state=FeatureState.CANCELLED)
        .order_by("-wsjf", "created_at")
        .values_list(
            "id",
            "key",
            "title",
            "kind",
            "points",
            "wsjf",
            "row_version",
            "state",
            "team_id",
            "iteration_id",
            "theme_id",
            "blocked_reason",
        )
    )
    for pk, key, title, kind, points, wsjf, version, state, team, iteration, theme, blocked in rows:
        yield Card(
            id=pk,
            key=key,
            title=title,
            kind=kind,
            kind_label="" if kind == "feature" else labels[kind].lower(),
            points=points or 0,
            wsjf="" if wsjf is None else f"{wsjf:.1f}",
            version=version,
            state=state,
            team_id=team,
            iteration_id=iteration,
            theme_id=theme,
            blocked=blocked,
        )


def _judge(
    iterations: list[Iteration],
    cards: Iterable[Card],
    team_names: dict[uuid.UUID, str],
    dependencies: list[dict[str, Any]],
) -> rules.Board:
    """The rules' board: what stands on it, and the far ends of dependencies, which stand nowhere on it."""
    at = {iteration.pk: n for n, iteration in enumerate(iterations)}
    placed = {
        str(c.id): rules.Card(c.key, c.title, team_names.get(c.team_id, ""), at.get(c.iteration_id), c.points)
        for c in cards
    }
    for each in dependencies:
        for end in ("provider", "consumer"):
            ident = str(each[f"{end}_id"])
            if ident not in placed:
                team = each[f"{end}__team__name"] or "no team"
                placed[ident] = rules.Card(each[f"{end}__key"], each[f"{end}__title"], team, None)
    columns = [rules.Iteration(i.name, i.starts, i.ends) for i in iterations]
    judge = rules.Board(columns, [])
    judge.cards = placed
    return judge


def _edge(
    judge: rules.Board, each: dict[str, Any], cards: dict[uuid.UUID, Card], iterations: list[Iteration]
) -> Edge:
    provider, consumer = each["provider_id"], each["consumer_id"]
    agreement = "done" if each["provider__state"] == "done" else each["state"]
    needed = next((n for n, i in enumerate(iterations) if i.pk == each["needed_in_id"]), None)
    dependency = rules.Dependency(
        str(each["id"]), str(provider), str(consumer), rules.Agreement(agreement), needed
    )
    starts = each["provider__iteration__starts"]
    if agreement != "done" and provider not in cards and starts and starts < iterations[0].starts:
        # Planned in an earlier Program Increment: it lands before anything here.
        sentence = f"{each['consumer__key']} needs {each['provider__key']}: planned in an earlier PI."
        tone, slack = "ok", None
    else:
        drawn = judge.string(dependency)
        tone, sentence, slack = TONE[drawn.state], drawn.sentence, drawn.slack_days
    return Edge(
        id=each["id"],
        provider_id=provider,
        consumer_id=consumer,
        provider=each["provider__key"],
        consumer=each["consumer__key"],
        tone=tone,
        sentence=sentence,
        state=each["state"],
        slack=slack,
        drawn=provider in cards and consumer in cards,
    )


def _cycle(dependencies: list[dict[str, Any]]) -> str:
    pairs = [(d["consumer__key"], d["provider__key"]) for d in dependencies if d["state"] in LIVE_DEPENDENCY]
    cycle = find_cycle(pairs)
    return cycle_sentence(cycle) if cycle else ""


def _rows(
    teams: list[Team],
    iterations: list[Iteration],
    cards: Iterable[Card],
    capacities: dict[tuple[uuid.UUID, uuid.UUID], TeamCapacity],
) -> list[Row]:
    cells = {
        (t.pk, i.pk): Cell(t, i, capacity=capacities.get((t.pk, i.pk))) for t in teams for i in iterations
    }
    for card in cards:
        cell = cells.get((card.team_id, card.iteration_id))
        if cell:
            cell.cards.append(card)
            cell.load += card.points
    for cell in cells.values():
        capacity = cell.capacity
        judged = rules.cell_load(
            cell.team.name,
            cell.iteration.name,
            [rules.Card(c.key, c.title, cell.team.name, 0, c.points) for c in cell.cards],
            rules.Capacity(capacity.points, capacity.buffer) if capacity else None,
        )
        cell.sentence = judged.sentence
        cell.limit = capacity.plannable if capacity else None
    return [Row(team, [cells[team.pk, i.pk] for i in iterations]) for team in teams]


def _mark(board: Board, shown: BoardFilter) -> None:
    """Counts and status of the cards; what a filter leaves out is dimmed, so that loads stay true."""
    worst: dict[str, str] = {}
    needs, needed_by = Counter[str](), Counter[str]()
    for edge in board.edges:
        needs[edge.consumer] += 1
        needed_by[edge.provider] += 1
        for key in (edge.provider, edge.consumer):
            if edge.tone == "bad" or (edge.tone == "warn" and worst.get(key) != "bad"):
                worst[key] = edge.tone
    for card in board.cards.values():
        card.needs, card.needed_by = needs[card.key], needed_by[card.key]
        status = (
            "done" if card.state == "done" else "blocked" if card.blocked else worst.get(card.key, card.state)
        )
        card.tone, card.word = _STATUS[status]
        card.quiet = card.tone in ("ok", "idle")
        card.shown = (
            (not shown.team or str(card.team_id) == shown.team)
            and (not shown.kind or card.kind == shown.kind)
            and (not shown.theme or str(card.theme_id) == shown.theme)
            and (not shown.risk or card.tone in ("bad", "warn"))
        )


def themes_of(pi: ProgramIncrement) -> list[Theme]:
    return list(Theme.objects.filter(train=pi.train_id).order_by("name"))
