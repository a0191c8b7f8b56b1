"""Ways out of a conflict on the board: moves of one card, judged by what they would do to everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .board import Agreement, Board, Card, Dependency, StringState

MOST = 3


@dataclass(frozen=True, slots=True)
class Room:
    """What a team's iteration carries and may carry; without a limit nobody has said."""

    load: float
    limit: float | None


@dataclass(frozen=True, slots=True)
class Move:
    """One card into another iteration of its team: what it costs there, and how many conflicts would be left."""

    card: str
    to: int
    load: float
    limit: float | None
    conflicts_before: int
    conflicts_after: int

    @property
    def over(self) -> float:
        """Points above what the team may plan there."""
        return max(0.0, self.load - self.limit) if self.limit is not None else 0.0


def ways_out(
    board: Board,
    dependency: Dependency,
    dependencies: Sequence[Dependency],
    rooms: Mapping[tuple[str, int], Room],
    *,
    first_open: int = 0,
    movable: Iterable[str] | None = None,
) -> list[Move]:
    """Up to three moves after which this dependency is no conflict, the best first.

    Fewer conflicts of the moved card come first, then what fits the capacity, then the shortest way. Nothing moves
    into an iteration that is over (before `first_open`), nor does a card that may not move.
    """
    free = None if movable is None else set(movable)
    found: list[Move] = []
    for ident in (dependency.provider, dependency.consumer):
        card = board.cards[ident]
        if card.iteration is None or (free is not None and ident not in free):
            continue
        touching = [d for d in dependencies if ident in (d.provider, d.consumer)]
        before = _conflicts(board, touching)
        for to in range(first_open, len(board.iterations)):
            if to == card.iteration:
                continue
            moved = _with(board, ident, replace(card, iteration=to, forecast=None))
            if moved.string(dependency).state is StringState.CONFLICT:
                continue
            after = _conflicts(moved, touching)
            room = rooms.get((card.team, to), Room(0, None))
            found.append(Move(ident, to, room.load + card.size, room.limit, before, after))
    better = [move for move in found if move.conflicts_after < move.conflicts_before]

    def worth(move: Move) -> tuple[float, ...]:
        here = board.cards[move.card].iteration or 0
        return (move.conflicts_after - move.conflicts_before, move.over, abs(move.to - here))

    return sorted(better, key=worth)[:MOST]


def _conflicts(board: Board, dependencies: Iterable[Dependency]) -> int:
    live = (d for d in dependencies if d.agreement is not Agreement.DONE)
    return sum(board.string(d).state is StringState.CONFLICT for d in live)


def _with(board: Board, ident: str, card: Card) -> Board:
    """The same board with one card elsewhere."""
    other = Board(board.iterations, [], same_iteration=board.same_iteration)
    other.calendar = board.calendar
    other.cards = {**board.cards, ident: card}
    return other
