"""Dependencies of a board between teams: how many, and the worst of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from trains.models import Team

from .board import Board, Edge

_WORST = {"ok": 0, "warn": 1, "bad": 2}


@dataclass(slots=True)
class Crossing:
    """What one team needs of another."""

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


def matrix(board: Board) -> Matrix:
    """The matrix of a board. Dependencies with an end outside the board are listed apart."""
    teams = [row.team for row in board.rows]
    cells = {(c.pk, p.pk): Crossing() for c in teams for p in teams}
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
