"""Error budgets: how much of what an objective allows is spent, how fast, and when it will be gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# Rates of burning at which people are told, by how long they are measured (Google's SRE workbook, chapter 5).
FAST, SLOW = 14.4, 6.0
SPANS = {
    "1 h": timedelta(hours=1),
    "6 h": timedelta(hours=6),
    "24 h": timedelta(hours=24),
    "3 d": timedelta(days=3),
}
# Values are too old for an answer after two hours, of long windows after a fiftieth of them.
STALE, STALE_PART = timedelta(hours=2), 50
LEAST_LEFT = 0.25

DEFINITION = (
    "Error budget: the share of events that the objective lets be bad, over the window. Left: 1 − bad ÷ (all × (100 − objective) ÷ 100). "
    "Burn rate: the share of bad events in a span ÷ the share allowed; at 1 the budget lasts exactly the window. "
    "Without values in the last two hours, of long windows in their last fiftieth, there is no answer."
)


class BudgetState(StrEnum):
    UNKNOWN = "unknown"
    EXHAUSTED = "exhausted"
    BURNING = "burning"
    LOW = "low"
    KEPT = "kept"


WORDS = {
    BudgetState.UNKNOWN: "Indeterminate",
    BudgetState.EXHAUSTED: "Exhausted",
    BudgetState.BURNING: "Burning fast",
    BudgetState.LOW: "Nearly spent",
    BudgetState.KEPT: "Within budget",
}
TONES = {
    BudgetState.UNKNOWN: "hold",
    BudgetState.EXHAUSTED: "bad",
    BudgetState.BURNING: "bad",
    BudgetState.LOW: "warn",
    BudgetState.KEPT: "ok",
}


@dataclass(frozen=True)
class Slice:
    """Events at a moment, and how many of them were bad."""

    at: datetime
    bad: float
    total: float


@dataclass(frozen=True)
class Budget:
    """How an objective stands. `left` is the share of the budget that is left, negative when overspent."""

    state: BudgetState
    reason: str
    objective: float
    attained: float | None = None
    total: float = 0.0
    bad: float = 0.0
    allowed: float = 0.0
    left: float | None = None
    burns: dict[str, float | None] = field(default_factory=dict)
    gone_at: datetime | None = None
    covered: float = 0.0
    last_at: datetime | None = None

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def left_percent(self) -> float | None:
        return None if self.left is None else round(100 * self.left, 1)


def budget(objective: float, window: timedelta, slices: Sequence[Slice], at: datetime) -> Budget:
    """The budget at a moment, from the slices of its window."""
    inside = sorted((s for s in slices if at - window <= s.at <= at), key=lambda s: s.at)
    total = sum(s.total for s in inside)
    if total <= 0:
        return Budget(BudgetState.UNKNOWN, "There are no values in the window.", objective)
    bad = sum(s.bad for s in inside)
    share = (100.0 - objective) / 100.0
    allowed = total * share
    left = 1.0 - bad / allowed
    burns = {name: _burn(inside, share, at - span) for name, span in SPANS.items()}
    known = {
        "objective": objective,
        "attained": 100.0 * (1.0 - bad / total),
        "total": total,
        "bad": bad,
        "allowed": allowed,
        "left": left,
        "burns": burns,
        "covered": min(1.0, (inside[-1].at - inside[0].at) / window),
        "last_at": inside[-1].at,
    }
    if at - inside[-1].at > max(STALE, window / STALE_PART):
        return Budget(
            BudgetState.UNKNOWN, f"The last value is of {inside[-1].at:%Y-%m-%d %H:%M} UTC.", **known
        )
    if left <= 0:
        return Budget(
            BudgetState.EXHAUSTED, f"{bad:,.0f} bad of {total:,.0f}; {allowed:,.0f} were allowed.", **known
        )
    gone_at = _gone_at(left, burns["24 h"], window, at)
    if (burns["1 h"] or 0) >= FAST or (burns["6 h"] or 0) >= SLOW:
        fastest = "1 h" if (burns["1 h"] or 0) >= FAST else "6 h"
        return Budget(
            BudgetState.BURNING,
            f"Burns {burns[fastest]:.3g} times as fast as it may, over {fastest}.",
            gone_at=gone_at,
            **known,
        )
    said = f"{100 * left:.3g} % of the budget is left."
    state = BudgetState.LOW if left < LEAST_LEFT else BudgetState.KEPT
    return Budget(state, said, gone_at=gone_at, **known)


def severity_of(state: BudgetState, tier: int) -> int:
    """How severe the problem of a budget that burns is: the worse it stands and the more critical the service, the more."""
    worst = 2 if state is BudgetState.EXHAUSTED else 3
    return worst if tier <= 2 else worst + 1


def by_day(objective: float, slices: Sequence[Slice]) -> list[tuple[datetime, float]]:
    """What was attained on each day, in per cent."""
    days: dict[datetime, list[float]] = {}
    for each in slices:
        sums = days.setdefault(each.at.replace(hour=0, minute=0, second=0, microsecond=0), [0.0, 0.0])
        sums[0] += each.bad
        sums[1] += each.total
    return [(day, 100.0 * (1 - bad / total)) for day, (bad, total) in sorted(days.items()) if total > 0]


def _burn(inside: Sequence[Slice], share: float, since: datetime) -> float | None:
    recent = [s for s in inside if s.at >= since]
    total = sum(s.total for s in recent)
    return sum(s.bad for s in recent) / total / share if total > 0 else None


def _gone_at(left: float, burn: float | None, window: timedelta, at: datetime) -> datetime | None:
    """When nothing is left if it goes on as in the last day; None: not within the window."""
    if not burn:
        return None
    lasts = window * left / burn
    return at + lasts if lasts < window else None
