"""What fixes of problems came to: change fail rate, recurrence by team, patterns of failure, and associations stated as such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .urgency import Record, wilson

FEWEST = 8


@dataclass(frozen=True)
class Fix:
    """A production deployment that carried fixes, with what came of it."""

    id: Any
    team: str
    category: str
    month: str
    items: int
    days_since_last: float | None
    failed: bool
    came_back: bool | None
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Share:
    """So many of so many, with the interval of the share; None of nothing."""

    name: str
    hits: int
    of: int
    ids: tuple[Any, ...] = ()

    @property
    def share(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.hits, self.of) if self.of else None

    @property
    def few(self) -> bool:
        return self.of < FEWEST


@dataclass(frozen=True)
class Association:
    """How two things went together in the past (Spearman's rank correlation). It does not say that one causes the other."""

    name: str
    rho: float | None
    low: float | None
    high: float | None
    of: int
    sentence: str


def fail_rate(fixes: Sequence[Fix], name: str = "Change fail rate of fixes") -> Share:
    """Deployments of fixes that failed, of all deployments of fixes."""
    hits = [f for f in fixes if f.failed]
    return Share(name, len(hits), len(fixes), tuple(f.id for f in hits))


def recurrence(fixes: Iterable[Fix], name: str) -> Share:
    """Fixes after which the problem came back, of those whose observation is over."""
    over = [f for f in fixes if f.came_back is not None]
    back = [f for f in over if f.came_back]
    return Share(name, len(back), len(over), tuple(f.id for f in back))


def by(
    fixes: Sequence[Fix], group: Callable[[Fix], str], measure: Callable[[list[Fix], str], Share]
) -> list[Share]:
    """The measure for each group, the largest group first."""
    groups: dict[str, list[Fix]] = {}
    for fix in fixes:
        groups.setdefault(group(fix) or "none", []).append(fix)
    return sorted((measure(rows, name) for name, rows in groups.items()), key=lambda s: (-s.of, s.name))


def patterns(fixes: Sequence[Fix]) -> list[Share]:
    """What lay behind failed fixes, by the causes found for them; a failed fix without a cause says so."""
    failed = [f for f in fixes if f.failed]
    counted = Counter(cause for f in failed for cause in (f.causes or ("no cause found yet",)))
    return [
        Share(
            cause,
            hits,
            len(failed),
            tuple(f.id for f in failed if cause in (f.causes or ("no cause found yet",))),
        )
        for cause, hits in sorted(counted.items(), key=lambda c: (-c[1], c[0]))
    ]


def association(name: str, xs: Sequence[float], ys: Sequence[float], words: tuple[str, str]) -> Association:
    """How two measures went together, with the interval by Fisher's transformation; few pairs say nothing."""
    if len(xs) < FEWEST or len(set(xs)) < 2 or len(set(ys)) < 2:
        return Association(
            name, None, None, None, len(xs), f"{len(xs)} fixes are too few, or too alike, to say anything."
        )
    import math

    from scipy.stats import spearmanr

    rho = float(spearmanr(xs, ys).statistic)
    # Bonett and Wright 2000: the standard error of a rank correlation after the transformation.
    se = math.sqrt((1 + rho * rho / 2) / (len(xs) - 3))
    z = math.atanh(max(-0.999999, min(0.999999, rho)))
    low, high = math.tanh(z - 1.959964 * se), math.tanh(z + 1.959964 * se)
    if low <= 0 <= high:
        said = "No association can be told from chance."
    else:
        said = f"{words[0] if rho > 0 else words[1]} It went together in the past; it need not be the cause."
    return Association(name, rho, low, high, len(xs), said)


def record(fixes: Sequence[Fix]) -> Record:
    """The record of fixes as the decision aid shows it."""
    found = fail_rate(fixes)
    low, high = found.interval or (0.0, 1.0)
    return Record(found.hits, found.of, low, high)
