"""Which acts on the same chain of work one person may do both of: a fixed floor, and what an organization makes of it.

Pure: acts and levels in, conflicts out. The database knows the same table (`governance.guards.duties` is made from it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations


class Act(StrEnum):
    """What somebody did on the chain from code to validated deployment."""

    CODED = "coded"
    AUTHORED = "authored"
    RESOLVED = "resolved"
    TESTED = "tested"
    APPROVED = "approved"
    DEPLOYED = "deployed"
    VALIDATED = "validated"


LABELS: dict[str, str] = {
    Act.CODED: "Wrote the code",
    Act.AUTHORED: "Wrote the change",
    Act.RESOLVED: "Resolved the problem",
    Act.TESTED: "Tested it",
    Act.APPROVED: "Approved it",
    Act.DEPLOYED: "Deployed it",
    Act.VALIDATED: "Validated the deployment",
}


class Level(StrEnum):
    """What becomes of two acts in one hand."""

    ALLOWED = "allowed"
    SECOND_PERSON = "second_person"
    FORBIDDEN = "forbidden"


LEVEL_LABELS: dict[str, str] = {
    Level.ALLOWED: "Allowed",
    Level.SECOND_PERSON: "Needs a second person",
    Level.FORBIDDEN: "Forbidden",
}
RANK: dict[str, int] = {Level.ALLOWED: 0, Level.SECOND_PERSON: 1, Level.FORBIDDEN: 2}
TIERS = ("high", "medium", "low")

# An approval in the wrong hands is no approval; for these a second person can stand in, or break the glass.
EXCEPTABLE = (Act.TESTED, Act.DEPLOYED, Act.VALIDATED)

Cells = dict[str, dict[str, str]]


def pair(first: str, second: str) -> str:
    """The two acts in one word, in the order of the alphabet: `approved+coded`."""
    return "+".join(sorted((str(first), str(second))))


PAIRS: tuple[str, ...] = tuple(pair(a, b) for a, b in combinations(Act, 2))

_A, _S, _F = Level.ALLOWED, Level.SECOND_PERSON, Level.FORBIDDEN


def _cells(table: Mapping[tuple[Act, Act], tuple[Level, Level, Level]]) -> Cells:
    """A whole table from its rows that are not allowed in every tier."""
    named = {pair(*acts): levels for acts, levels in table.items()}
    return {p: dict(zip(TIERS, map(str, named.get(p, (_A, _A, _A))), strict=True)) for p in PAIRS}


# High, medium, low risk.
_FLOOR = {
    (Act.CODED, Act.APPROVED): (_F, _F, _F),
    (Act.AUTHORED, Act.APPROVED): (_F, _F, _F),
    (Act.RESOLVED, Act.APPROVED): (_F, _F, _F),
    (Act.APPROVED, Act.DEPLOYED): (_F, _F, _F),
    (Act.DEPLOYED, Act.VALIDATED): (_F, _F, _S),
    (Act.CODED, Act.VALIDATED): (_F, _S, _A),
    (Act.CODED, Act.DEPLOYED): (_S, _A, _A),
    (Act.RESOLVED, Act.DEPLOYED): (_S, _S, _S),
}
_STRICTER = {
    (Act.CODED, Act.TESTED): (_S, _A, _A),
    (Act.TESTED, Act.APPROVED): (_S, _A, _A),
    (Act.RESOLVED, Act.VALIDATED): (_S, _A, _A),
}
# No organization goes below this.
FLOOR: Cells = _cells(_FLOOR)
# What an organization starts with, until its compliance officer says otherwise.
STANDARD: Cells = _cells(_FLOOR | _STRICTER)


def stricter(first: str, second: str) -> str:
    return max(first, second, key=RANK.__getitem__)


def level(cells: Mapping[str, Mapping[str, str]], tier: str, first: str, second: str) -> str:
    """What holds: never below the floor. An unknown tier is the highest; an unknown level forbids."""
    tier = tier if tier in TIERS else "high"
    named = pair(first, second)
    if named not in FLOOR:
        return Level.FORBIDDEN
    said = cells.get(named, STANDARD[named]).get(tier, Level.FORBIDDEN)
    return stricter(FLOOR[named][tier], said if said in RANK else Level.FORBIDDEN)


@dataclass(frozen=True)
class Conflict:
    """Somebody did one act already, so the other is not theirs, or not theirs alone."""

    done: str
    act: str
    level: str


def conflicts(
    cells: Mapping[str, Mapping[str, str]], tier: str, done: Iterable[str], act: str
) -> list[Conflict]:
    """Every act already done that stands against this one, the worst first."""
    found = [Conflict(d, act, level(cells, tier, d, act)) for d in sorted(set(done)) if d != act]
    return sorted((c for c in found if c.level != Level.ALLOWED), key=lambda c: -RANK[c.level])


def below_floor(cells: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """(pair, tier) of every cell that is looser than the floor."""
    return [(p, t) for p in PAIRS for t in TIERS if RANK[cells[p][t]] < RANK[FLOOR[p][t]]]


def loosened(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether anything is looser than it was: that takes a second person."""
    return any(RANK[after[p][t]] < RANK[before[p][t]] for p in PAIRS for t in TIERS)
