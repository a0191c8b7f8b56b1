"""Dependencies of a board between teams and between features: how many, and the worst of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from trains.models import Team

from .board import Board, Edge

_WORST = {"ok": 0, "warn": 1, "bad": 2}


@dataclass(slots=True)
class Crossing:
    """What one team needs of another."""

    provider: Team
    edges: list[Edge] = field(default_factory=list)

    @property
    def tone(self) -> str:
        return max((e.tone for e in self.edges), key=_WORST.__getitem__, default="")


@dataclass(frozen=True, slots=True)
class Matrix:
    """Consumers down, providers across; only what stands on the board has a team here."""

    teams: list[Team]
    rows: list[tuple[Team, list[Crossing], int]]
    elsewhere: list[Edge]


SHOWN = 60


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which dependencies of the matrix are looked at: those of a pair of teams, those in danger, or all."""

    consumer: str = ""
    provider: str = ""
    danger: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """A feature at the end of a dependency."""

    id: uuid.UUID
    key: str
    title: str
    team: str


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """Consumers down, providers across, one cell for each dependency; `left_out` are those beyond what can be read."""

    providers: list[End]
    rows: list[tuple[End, list[Edge | None]]]
    edges: list[Edge]
    left_out: int


def feature_matrix(board: Board, narrowed: Narrowed) -> FeatureMatrix:
    """The matrix of features, the worst dependencies first when there are more than fit."""
    wanted = [edge for edge in board.edges if _is_wanted(board, edge, narrowed)]
    worst_first = sorted(wanted, key=lambda e: (-_WORST[e.tone], e.slack if e.slack is not None else 0))
    edges = worst_first[:SHOWN]
    ends = {e.consumer_id: _end(board, e.consumer_id, e.consumer) for e in edges}
    providers = {e.provider_id: _end(board, e.provider_id, e.provider) for e in edges}
    at = {(e.consumer_id, e.provider_id): e for e in edges}
    across = sorted(providers.values(), key=_by_team)
    rows = [
        (consumer, [at.get((consumer.id, provider.id)) for provider in across])
        for consumer in sorted(ends.values(), key=_by_team)
    ]
    return FeatureMatrix(across, rows, edges, len(wanted) - len(edges))


def _is_wanted(board: Board, edge: Edge, narrowed: Narrowed) -> bool:
    consumer, provider = board.cards.get(edge.consumer_id), board.cards.get(edge.provider_id)
    return (
        (not narrowed.danger or edge.tone != "ok")
        and (not narrowed.consumer or (consumer is not None and str(consumer.team_id) == narrowed.consumer))
        and (not narrowed.provider or (provider is not None and str(provider.team_id) == narrowed.provider))
    )


def _end(board: Board, ident: uuid.UUID, key: str) -> End:
    card = board.cards.get(ident)
    return End(ident, key, card.title if card else "not on this board", card.team if card else "")


def _by_team(end: End) -> tuple[str, str]:
    return end.team, end.key


def matrix(board: Board) -> Matrix:
    """The matrix of a board. Dependencies with an end outside the board are listed apart."""
    teams = [row.team for row in board.rows]
    cells = {(c.pk, p.pk): Crossing(p) for c in teams for p in teams}
    elsewhere = []
    for edge in board.edges:
        consumer, provider = board.cards.get(edge.consumer_id), board.cards.get(edge.provider_id)
        crossing = cells.get((consumer.team_id, provider.team_id)) if consumer and provider else None
        if crossing is None:
            elsewhere.append(edge)
        else:
            crossing.edges.append(edge)
    rows = [
        (c, [cells[c.pk, p.pk] for p in teams], sum(len(cells[c.pk, p.pk].edges) for p in teams))
        for c in teams
    ]
    return Matrix(teams, rows, elsewhere)
