"""The conflicts of a board, each with moves that would end it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from planning.rules.resolving import Room, ways_out
from planning.states import IN_PLAN
from trains.models import Iteration

from .board import Board, Card, Edge

SHOWN = 40


@dataclass(frozen=True, slots=True)
class WayOut:
    """One move, in the board's own terms."""

    card: Card
    iteration: Iteration
    sentence: str
    tone: str


@dataclass(frozen=True, slots=True)
class Solution:
    """A conflict and its ways out; none when no single move helps."""

    edge: Edge
    ways: list[WayOut]


def ways_out_of(board: Board, today: date) -> list[Solution]:
    """The first conflicts of the board with their ways out, the shortest of time first."""
    if board.judge is None:
        return []
    rooms = {
        (row.team.name, number): Room(cell.load, cell.limit)
        for row in board.rows
        for number, cell in enumerate(row.cells)
    }
    columns = [column.iteration for column in board.columns]
    first = next((n for n, each in enumerate(columns) if each.ends > today), len(columns))
    movable = [str(card.id) for card in board.cards.values() if card.state in IN_PLAN]
    judged = {each.id: each for each in board.judged}
    by_id = {str(card.id): card for card in board.cards.values()}
    worst = sorted(board.conflicts, key=lambda e: e.slack if e.slack is not None else 0)
    found = []
    for edge in worst[:SHOWN]:
        moves = ways_out(
            board.judge, judged[str(edge.id)], board.judged, rooms, first_open=first, movable=movable
        )
        ways = []
        for move in moves:
            card, iteration = by_id[move.card], columns[move.to]
            load = (
                f"{move.load:g} of {move.limit:g} points there"
                if move.limit is not None
                else "no capacity set there"
            )
            left = move.conflicts_after
            rest = f"; {left} other conflict{'' if left == 1 else 's'} of {card.key} left" if left else ""
            over = f", {move.over:g} too many" if move.over else ""
            ways.append(
                WayOut(card, iteration, f"{load}{over}{rest}.", "warn" if move.over or left else "ok")
            )
        found.append(Solution(edge, ways))
    return found
