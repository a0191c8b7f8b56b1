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

from django.db.models import BigIntegerField, Count, F, Func, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast, Concat

from planning.models import (
    BoardPolicy,
    Feature,
    FeatureDependency,
    FeatureKind,
    Risk,
    RiskLink,
    Roam,
    TeamCapacity,
    Theme,
)
from planning.ports import SharedMark, forecasts, shared_marks
from planning.rules import board as rules
from planning.rules.graph import cycle_sentence, find_cycle
from planning.rules.lanes import chains
from planning.states import LIVE_DEPENDENCY, FeatureState
from releasetrain.interface import formats
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
    team: str = ""
    carried: str = ""
    shared: str = ""
    needs: int = 0
    needed_by: int = 0
    tone: str = "ok"
    word: str = ""
    quiet: bool = True
    shown: bool = True


@dataclass(slots=True)
class Cell:
    """A team's iteration: its cards, and their load against capacity without buffer. In a swimlane: no team, no limit."""

    team: Team | None
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


@dataclass(frozen=True, slots=True)
class Mark:
    """A day that matters to the train: a milestone or a release."""

    day: date
    name: str
    path: str


@dataclass(slots=True)
class Column:
    """An iteration with its dates and milestones."""

    iteration: Iteration
    days: str
    now: bool
    milestones: list[Mark] = field(default_factory=list)
    shared: list[SharedMark] = field(default_factory=list)


@dataclass(slots=True)
class Row:
    """A team with its cells, in the order of the columns."""

    team: Team
    cells: list[Cell]


@dataclass(slots=True)
class Lane:
    """A row as it is shown: a team, or what the swimlanes are made of."""

    id: str
    name: str
    sub: str
    cells: list[Cell]
    team: Team | None = None
    away: bool = False


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

    @property
    def slack_text(self) -> str:
        """Working days between delivery and need, with a sign."""
        return "" if self.slack is None else f"{self.slack:+d} d".replace("-", "−").replace("+0", "0")


@dataclass(slots=True)
class Board:
    """Everything the page shows of one Program Increment. `rows` are its teams, `lanes` what is drawn."""

    pi: ProgramIncrement
    columns: list[Column]
    rows: list[Row]
    cards: dict[uuid.UUID, Card]
    edges: list[Edge]
    cycle: str = ""
    shared: list[SharedMark] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    judge: rules.Board | None = None
    judged: list[rules.Dependency] = field(default_factory=list)

    @property
    def clashes(self) -> list[SharedMark]:
        return [mark for mark in self.shared if mark.tone == "bad"]

    @property
    def shared_risks(self) -> list[SharedMark]:
        return [mark for mark in self.shared if mark.tone == "warn"]

    @property
    def carried(self) -> int:
        """Cards that an earlier increment did not finish."""
        return sum(bool(card.carried) for card in self.cards.values())

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
        return len(self.conflicts) + len(self.overloads) + len(self.clashes) + bool(self.cycle)

    @property
    def risk_count(self) -> int:
        return len(self.at_risk) + len(self.shared_risks)

    @property
    def strings(self) -> list[list[str]]:
        """Provider, consumer, tone and slack, for the drawing."""
        hidden = {card.id for card in self.cards.values() if not card.shown}
        ends = [(e, e.provider_id, e.consumer_id) for e in self.edges if e.drawn]
        return [
            [str(p), str(c), e.tone, e.slack_text] for e, p, c in ends if p not in hidden and c not in hidden
        ]


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What of the board is shown: teams, kinds, a theme, only what is in danger; and what its rows are."""

    team: str = ""
    kind: str = ""
    theme: str = ""
    risk: bool = False
    lanes: str = "team"

    @property
    def active(self) -> bool:
        return bool(self.team or self.kind or self.theme or self.risk)


def board_version(pi: ProgramIncrement) -> str:
    """A text that changes whenever anything on the board does: ids and row versions, hashed by the database."""
    ends = Q(provider__pi=pi) | Q(consumer__pi=pi)
    of_train = {"train": pi.train_id}
    seen = [
        _stamp(Feature.objects.filter(pi=pi)),
        _stamp(FeatureDependency.objects.filter(ends), "provider__row_version", "consumer__row_version"),
        _stamp(TeamCapacity.objects.filter(iteration__pi=pi)),
        *(_stamp(model.objects.filter(**of_train)) for model in (Milestone, Team, Release, BoardPolicy)),
        shared_marks(pi),
        sorted(forecasts(pi).items()),
        (pi.pk, pi.row_version),
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _stamp(rows: QuerySet[Any], *others: str) -> tuple[Any, ...]:
    """How many rows there are, and the sum of hashes of each with its version: the same only for the same rows."""
    parts: list[Any] = [Cast("pk", TextField())]
    for name in ("row_version", *others):
        parts += [Value(":"), Cast(name, TextField())]
    text = Concat(*parts, output_field=TextField())
    one = Func(text, Value(0), function="hashtextextended", output_field=BigIntegerField())
    found = rows.order_by().annotate(one=one).aggregate(rows=Count("pk"), sum=Sum(F("one")))
    return found["rows"], str(found["sum"])


def load_board(pi: ProgramIncrement, today: date, shown: BoardFilter | None = None) -> Board:
    """The board of a Program Increment: a fixed number of queries, however many cards."""
    iterations = list(pi.iterations.order_by("starts", "number"))
    teams = list(Team.objects.filter(train=pi.train_id).order_by("name"))
    columns = [_column(each, today) for each in iterations]
    _milestones(pi, columns)
    cards = {card.id: card for card in _cards(pi)}
    _carried(pi, cards)
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
    for card in cards.values():
        card.team = team_names.get(card.team_id, "")
    policy = BoardPolicy.objects.filter(train=pi.train_id).first() or BoardPolicy()
    judge = _judge(iterations, cards.values(), dependencies, _expected(pi, cards, iterations, today))
    judge.same_iteration = rules.StringState(policy.same_iteration)
    board.judge = judge
    columns_of = {iteration.pk: number for number, iteration in enumerate(iterations)}
    for each in dependencies:
        dependency = _dependency(each, columns_of)
        board.judged.append(dependency)
        board.edges.append(_edge(judge, dependency, each, cards, iterations, policy.min_slack))
    board.cycle = _cycle(dependencies)
    board.rows = _rows(teams, iterations, cards.values(), capacities)
    board.shared = shared_marks(pi)
    _share(board)
    shown = shown or BoardFilter()
    _mark(board, shown)
    board.lanes = lanes_of(board, shown)
    return board


def _column(iteration: Iteration, today: date) -> Column:
    last = iteration.ends - timedelta(days=1)
    return Column(iteration, formats.days(iteration.starts, last), iteration.starts <= today < iteration.ends)


def _milestones(pi: ProgramIncrement, columns: list[Column]) -> None:
    marks = [
        Mark(m.on, m.name, f"milestones/{m.pk}/")
        for m in Milestone.objects.filter(train=pi.train_id, on__gte=pi.starts, on__lt=pi.ends)
    ]
    marks += [
        Mark(r.target_at.date(), f"Release {r.version}", f"releases/{r.key}/")
        for r in Release.objects.filter(
            train=pi.train_id, target_at__date__gte=pi.starts, target_at__date__lt=pi.ends
        )
        .exclude(state="cancelled")
        .only("key", "version", "target_at")
        if r.target_at
    ]
    for mark in sorted(marks, key=lambda m: (m.day, m.name)):
        column = next((c for c in columns if c.iteration.starts <= mark.day < c.iteration.ends), None)
        if column:
            column.milestones.append(mark)


def _carried(pi: ProgramIncrement, cards: dict[uuid.UUID, Card]) -> None:
    """Which cards stood in an earlier increment before."""
    earlier = (
        Feature.history.filter(id__in=list(cards), pi__isnull=False)
        .exclude(pi_id=pi.pk)
        .order_by("history_date")
        .values_list("id", "pi_id")
        .distinct()
    )
    before = list(earlier)
    if not before:
        return
    names = {
        each.pk: each.name
        for each in ProgramIncrement.objects.filter(
            pk__in={increment for _, increment in before}, starts__lt=pi.starts
        )
    }
    for feature, increment in before:
        if increment in names:
            cards[feature].carried = names[increment]


def _expected(
    pi: ProgramIncrement, cards: dict[uuid.UUID, Card], iterations: list[Iteration], today: date
) -> dict[uuid.UUID, date]:
    """The day by which a card is expected done: its forecast; once the increment runs, what is overdue not before tomorrow."""
    found = forecasts(pi)
    if pi.state in ("draft", "planning"):
        return found
    over = {i.pk for i in iterations if i.ends <= today}
    for card in cards.values():
        if card.iteration_id in over and card.state != FeatureState.DONE:
            found[card.id] = max(found.get(card.id, today), today + timedelta(days=1))
    return found


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
    dependencies: list[dict[str, Any]],
    expected: dict[uuid.UUID, date],
) -> rules.Board:
    """The rules' board: what stands on it, and the far ends of dependencies, which stand nowhere on it."""
    at = {iteration.pk: n for n, iteration in enumerate(iterations)}
    placed = {
        str(c.id): rules.Card(c.key, c.title, c.team, at.get(c.iteration_id), c.points, expected.get(c.id))
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


def _dependency(each: dict[str, Any], columns: dict[uuid.UUID, int]) -> rules.Dependency:
    """The rules' dependency; what the provider has finished is done, whatever the dependency says."""
    agreement = "done" if each["provider__state"] == "done" else each["state"]
    return rules.Dependency(
        str(each["id"]),
        str(each["provider_id"]),
        str(each["consumer_id"]),
        rules.Agreement(agreement),
        columns.get(each["needed_in_id"]),
    )


def _edge(
    judge: rules.Board,
    dependency: rules.Dependency,
    each: dict[str, Any],
    cards: dict[uuid.UUID, Card],
    iterations: list[Iteration],
    min_slack: int,
) -> Edge:
    provider, consumer = each["provider_id"], each["consumer_id"]
    starts = each["provider__iteration__starts"]
    done = dependency.agreement is rules.Agreement.DONE
    if not done and provider not in cards and starts and starts < iterations[0].starts:
        # Planned in an earlier Program Increment: it lands before anything here.
        sentence = f"{each['consumer__key']} needs {each['provider__key']}: planned in an earlier PI."
        tone, slack = "ok", None
    else:
        drawn = judge.string(dependency, min_slack)
        tone, sentence, slack = TONE[drawn.state], drawn.sentence, None if done else drawn.slack_days
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
    names = {team.pk: team.name for team in teams}
    for card in cards:
        cell = cells.get((card.team_id, card.iteration_id))
        if cell:
            cell.cards.append(card)
            cell.load += card.points
    for (team_id, _), cell in cells.items():
        capacity = cell.capacity
        name = names[team_id]
        judged = rules.cell_load(
            name,
            cell.iteration.name,
            [rules.Card(c.key, c.title, name, 0, c.points) for c in cell.cards],
            rules.Capacity(capacity.points, capacity.buffer) if capacity else None,
        )
        cell.sentence = judged.sentence
        cell.limit = capacity.plannable if capacity else None
    return [Row(team, [cells[team.pk, i.pk] for i in iterations]) for team in teams]


def _share(board: Board) -> None:
    """What is shared stands in every iteration that it touches, and on the cards that it concerns."""
    for column in board.columns:
        starts, ends = column.iteration.starts, column.iteration.ends
        column.shared = [m for m in board.shared if m.starts < ends and m.ends > starts]
    for mark in board.shared:
        for feature in mark.features:
            card = board.cards.get(feature)
            if card and mark.tone != "hold" and card.state != FeatureState.DONE:
                card.shared = f"{card.shared} {mark.sentence}".strip()


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
            and (not shown.risk or card.tone in ("bad", "warn") or bool(card.shared))
        )


def lanes_of(board: Board, shown: BoardFilter) -> list[Lane]:
    """The rows to draw: teams, or swimlanes by theme, by danger, by chain of dependencies."""
    if shown.lanes in SWIMLANES:
        return _swimlanes(board, SWIMLANES[shown.lanes](board))
    return [
        Lane(
            str(row.team.pk),
            row.team.name,
            f"{row.team.code} · {row.team.people} people" if row.team.people else row.team.code,
            row.cells,
            row.team,
            bool(shown.team) and shown.team != str(row.team.pk),
        )
        for row in board.rows
    ]


def _swimlanes(board: Board, groups: list[tuple[str, str, str, list[Card]]]) -> list[Lane]:
    lanes = []
    for ident, name, sub, members in groups:
        cells = [Cell(None, column.iteration) for column in board.columns]
        at = {cell.iteration.pk: cell for cell in cells}
        for card in members:
            cell = at.get(card.iteration_id)
            if cell:
                cell.cards.append(card)
                cell.load += card.points
        for cell in cells:
            cell.sentence = f"{name} in {cell.iteration.name}: {cell.load} points."
        lanes.append(Lane(ident, name, sub, cells))
    return lanes


def _by_theme(board: Board) -> list[tuple[str, str, str, list[Card]]]:
    names: dict[uuid.UUID | None, str] = {theme.pk: theme.name for theme in themes_of(board.pi)}
    found = [
        (f"theme-{pk}", name, _sum(members), members)
        for pk, name in [*names.items(), (None, "No theme")]
        if (members := [c for c in board.cards.values() if c.theme_id == pk])
    ]
    return found


_DANGERS = (
    ("conflict", "Blocked or in conflict", lambda c: c.tone == "bad"),
    ("risk", "At risk", lambda c: c.tone == "warn" or (c.quiet and bool(c.shared))),
    ("ahead", "Not started", lambda c: c.tone == "idle" and not c.shared),
    ("track", "On track", lambda c: c.tone == "ok" and c.state != "done" and not c.shared),
    ("done", "Done", lambda c: c.state == "done"),
)


def _by_risk(board: Board) -> list[tuple[str, str, str, list[Card]]]:
    """A lane for each open risk of the register that threatens cards, the gravest first; then the rest by danger."""
    threatened: dict[Risk, list[Card]] = {}
    links = RiskLink.objects.filter(feature__in=list(board.cards)).exclude(risk__roam=Roam.RESOLVED)
    for link in links.select_related("risk"):
        card = board.cards.get(link.feature_id)
        if card and not any(card in members for members in threatened.values()):
            threatened.setdefault(link.risk, []).append(card)
    gravest = sorted(threatened.items(), key=lambda each: -each[0].likelihood * each[0].impact)
    lanes = [
        (
            f"risk-{risk.pk}",
            risk.title,
            f"{risk.key} · {risk.get_roam_display()} · {risk.likelihood} × {risk.impact} · {_sum(members)}",
            members,
        )
        for risk, members in gravest
    ]
    named = {card.id for members in threatened.values() for card in members}
    return lanes + [
        (f"risk-{ident}", name, _sum(members), members)
        for ident, name, belongs in _DANGERS
        if (members := [c for c in board.cards.values() if belongs(c) and c.id not in named])
    ]


def _by_dependency(board: Board) -> list[tuple[str, str, str, list[Card]]]:
    found = []
    chained: set[uuid.UUID] = set()
    for chain in chains((e.provider_id, e.consumer_id) for e in board.edges if e.drawn):
        members = [board.cards[ident] for ident in chain]
        chained |= set(chain)
        bad = sum(e.tone == "bad" for e in board.edges if e.provider_id in chain and e.drawn)
        name = f"{members[0].key} and {len(members) - 1} more"
        said = f"{bad} conflict{'' if bad == 1 else 's'} · {_sum(members)}"
        found.append((bad, (f"chain-{members[0].id}", name, said, members)))
    found.sort(key=lambda each: -each[0])
    alone = [c for c in board.cards.values() if c.id not in chained]
    rest = [("chain-none", "No dependency", _sum(alone), alone)] if alone else []
    return [*(lane for _, lane in found), *rest]


def _sum(cards: list[Card]) -> str:
    return f"{len(cards)} card{'' if len(cards) == 1 else 's'}, {sum(c.points for c in cards)} points"


SWIMLANES = {"theme": _by_theme, "risk": _by_risk, "dependency": _by_dependency}


def themes_of(pi: ProgramIncrement) -> list[Theme]:
    return list(Theme.objects.filter(train=pi.train_id).order_by("name"))
