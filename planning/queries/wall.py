"""What a train's wall screen shows: where the increment stands, what is in the way, what is released next."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from governance.models import Evaluation, Gate
from governance.queries.verdicts import standing_verdict
from planning.models import Feature, FeatureDependency, Impediment
from planning.ports import WallLine, WallPanel, wall_panel, wall_panels
from planning.rules.burnup import Day, Version, burn_up
from planning.states import FeatureState
from trains.models import Iteration, ProgramIncrement, Release, Train
from trains.queries.on_call import who_is_on_call

from . import increments
from .board import Board, Row, load_board

LINES = 6
RELEASES = 3
TEAMS = 10
_AHEAD = ("planning", "scoped", "frozen", "ready", "approved", "deploying")
_WORST = ("fail", "error", "pending", "waived", "pass")
_TONE = {"pass": "ok", "waived": "hold", "pending": "warn", "fail": "bad", "error": "bad"}


@dataclass(frozen=True, slots=True)
class NextRelease:
    """A release ahead with what its gates say."""

    version: str
    state: str
    target: datetime | None
    days: int | None
    gates: list[tuple[str, str, str]]
    verdict: str
    tone: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A dependency or a feature that cannot go on, and for how many days."""

    text: str
    tone: str
    days: int | None


@dataclass(slots=True)
class Wall:
    """Everything on the screen. No names of persons: whoever passes by may read it."""

    train: Train
    pi: ProgramIncrement | None
    today: date
    local: datetime
    board: Board | None = None
    iteration: Iteration | None = None
    position: int = 0
    days: tuple[Day, ...] = ()
    features_done: int = 0
    features: int = 0
    points_done: int = 0
    points: int = 0
    elapsed: int = 0
    obstacles: list[Obstacle] = field(default_factory=list)
    releases: list[NextRelease] = field(default_factory=list)
    panels: list[WallPanel] = field(default_factory=list)

    @property
    def share(self) -> int:
        """Percent of the points that are done."""
        return round(100 * self.points_done / self.points) if self.points else 0

    @property
    def row_groups(self) -> list[list[Row]]:
        """The teams, as many at a time as can be read from afar."""
        rows = self.board.rows if self.board else []
        return [rows[start : start + TEAMS] for start in range(0, len(rows), TEAMS)]


def load_wall(train: Train, moment: datetime) -> Wall:
    """The wall of a train at a moment."""
    local = moment.astimezone(ZoneInfo(train.time_zone))
    today = local.date()
    own = list(ProgramIncrement.objects.filter(train=train).select_related("train").order_by("-starts"))
    pi = increments.current(own, today)
    wall = Wall(train, pi, today, local)
    wall.releases = _releases(train, today)
    wall.panels = wall_panels(train, pi)
    if pi is None:
        return wall
    wall.board = board = load_board(pi, today)
    cards = list(board.cards.values())
    done = [card for card in cards if card.state == FeatureState.DONE]
    wall.features, wall.features_done = len(cards), len(done)
    wall.points, wall.points_done = sum(c.points for c in cards), sum(c.points for c in done)
    length = (pi.ends - pi.starts).days
    wall.elapsed = max(0, min(100, round(100 * ((today - pi.starts).days + 1) / length)))
    for number, column in enumerate(board.columns, 1):
        if column.iteration.starts <= today < column.iteration.ends:
            wall.iteration, wall.position = column.iteration, number
    if wall.iteration:
        wall.days = iteration_burn_up(wall.iteration, today, ZoneInfo(train.time_zone))
    wall.obstacles = _obstacles(board, today)
    return wall


def iteration_burn_up(iteration: Iteration, today: date, zone: ZoneInfo) -> tuple[Day, ...]:
    """The burn-up of an iteration from the history of every feature that ever stood in it."""
    records = Feature.history.model.objects
    ever: set[uuid.UUID] = set(records.filter(iteration_id=iteration.pk).values_list("id", flat=True))
    rows = (
        records.filter(id__in=ever)
        .order_by("history_date", "history_id")
        .values_list("id", "history_date", "iteration_id", "points", "state")
    )
    versions = (
        Version(
            feature,
            at.astimezone(zone).date(),
            placed == iteration.pk and state != FeatureState.CANCELLED,
            points or 0,
            state == FeatureState.DONE,
        )
        for feature, at, placed, points, state in rows
    )
    return burn_up(versions, iteration.starts, iteration.ends, today)


def _obstacles(board: Board, today: date) -> list[Obstacle]:
    stuck = [edge.id for edge in board.edges if edge.state == "blocked"]
    since = dict(
        FeatureDependency.history.filter(id__in=stuck, state="blocked")
        .order_by("-history_date")
        .values_list("id", "history_date")
    )
    found = [
        Obstacle(f"{edge.consumer} waits for {edge.provider}", edge.tone, _days(since.get(edge.id), today))
        for edge in [*board.conflicts, *(e for e in board.at_risk if e.state in ("blocked", "at_risk"))]
    ]
    blocked = {card.id: card for card in board.cards.values() if card.blocked and card.state != "done"}
    ages = dict(Feature.objects.filter(pk__in=list(blocked)).values_list("pk", "blocked_at"))
    found += [
        Obstacle(f"{card.key} is blocked: {card.blocked}", "bad", _days(ages.get(card.id), today))
        for card in blocked.values()
    ]
    found += [Obstacle(mark.sentence, mark.tone, None) for mark in board.clashes]
    return found


@wall_panel
def on_call(train: Train, pi: ProgramIncrement | None) -> WallPanel | None:
    """Who answers now, by initials: the screen shows no names."""
    found = who_is_on_call(train=train)
    lines = [
        WallLine(
            each.rotation.name,
            each.person.initials if each.person else "nobody",
            "ok" if each.person else "bad",
        )
        for each in found[:LINES]
    ]
    answering = [each.person for each in found if each.person]
    if not found:
        return None
    return WallPanel(
        "On call", answering[0].initials if answering else "–", tuple(lines), "" if answering else "bad", 20
    )


@wall_panel
def impediments(train: Train, pi: ProgramIncrement | None) -> WallPanel:
    """The impediments of the train that nobody has resolved yet, the oldest first."""
    today = increments.today_of(train)
    open_ = list(
        Impediment.objects.filter(team__train=train, state__in=["raised", "working"]).order_by("raised_at")[
            :50
        ]
    )
    lines = [
        WallLine(
            each.title,
            f"{(today - each.raised_at.date()).days} d",
            "warn" if each.state == "working" else "bad",
        )
        for each in open_[:LINES]
    ]
    tone = "bad" if any(each.state == "raised" for each in open_) else ""
    return WallPanel(
        "Impediments", str(len(open_)), tuple(lines) or (WallLine("None is open.", tone="ok"),), tone, 10
    )


def _days(since: datetime | None, today: date) -> int | None:
    return (today - since.date()).days if since else None


def _releases(train: Train, today: date) -> list[NextRelease]:
    ahead = list(
        Release.objects.filter(train=train, state__in=_AHEAD).order_by("target_at", "created_at")[:RELEASES]
    )
    said: dict[uuid.UUID, dict[str, str]] = {release.pk: {} for release in ahead}
    latest = (
        Evaluation.objects.filter(release__in=list(said), state__in=["done", "dead"])
        .exclude(gate__mode=Gate.Mode.RETIRED)
        .select_related("gate")
        .order_by("release_id", "gate_id", "-finished_at", "-id")
        .distinct("release_id", "gate_id")
    )
    for evaluation in latest:
        said[evaluation.release_id][evaluation.gate.name] = standing_verdict(evaluation)
    return [_release(release, said[release.pk], today) for release in ahead]


def _release(release: Release, gates: dict[str, str], today: date) -> NextRelease:
    worst = next((word for word in _WORST if word in gates.values()), "pending")
    return NextRelease(
        release.version,
        release.get_state_display(),
        release.target_at,
        (release.target_at.date() - today).days if release.target_at else None,
        [(name, verdict, _TONE[verdict]) for name, verdict in gates.items()],
        worst if gates else "not asked yet",
        _TONE[worst] if gates else "idle",
    )


def heat(rows: Iterable[Row], board: Board) -> list[tuple[str, list[tuple[str, str]]]]:
    """Team by iteration: what each cell says and its tone; conflicts first, then load."""
    bad = {(card.team_id, card.iteration_id) for card in board.cards.values() if card.tone == "bad"}
    found = []
    for row in rows:
        cells = []
        for cell in row.cells:
            text = f"{cell.load}/{cell.limit}" if cell.limit is not None else str(cell.load or "")
            here = (row.team.pk, cell.iteration.pk)
            open_ = any(card.state != FeatureState.DONE for card in cell.cards)
            tone = "bad" if here in bad else "warn" if cell.over else "ok" if cell.cards and not open_ else ""
            cells.append((text, tone or ("busy" if cell.cards else "")))
        found.append((row.team.name, cells))
    return found
