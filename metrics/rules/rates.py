"""Counts against exposure: rates with exact intervals, and how two of them compare."""

from __future__ import annotations

from dataclasses import dataclass

from governance.rules.shares import wilson
from metrics.rules.samples import FEW, wording

LEAST = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per unit of exposure with the exact 95 % interval (Garwood); None without exposure."""

    events: int
    exposure: float
    per: float
    value: float | None
    interval: tuple[float, float] | None
    sample: str


@dataclass(frozen=True, slots=True)
class Share:
    """Hits of trials with Wilson's 95 % interval; None without trials."""

    hits: int
    trials: int
    value: float | None
    interval: tuple[float, float] | None
    sample: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """A rate now ÷ the rate before, with its exact interval and what can be said."""

    value: float | None
    interval: tuple[float, float] | None
    sentence: str


def share(hits: int, trials: int, what: str) -> Share:
    """Hits of trials; `what` is the plural of the trials."""
    if not 0 <= hits <= trials:
        raise ValueError("Hits are zero or more, and no more than trials.")
    return Share(hits, trials, hits / trials if trials else None, wilson(hits, trials), wording(trials, what))


def rate(events: int, exposure: float, *, per: float = 1.0, what: str = "events") -> Rate:
    """Events per `per` units of exposure. The interval holds for rare events too, and for none at all."""
    if events < 0 or exposure < 0:
        raise ValueError("Counts and exposure are zero or more.")
    if exposure == 0:
        return Rate(events, exposure, per, None, None, "Nothing to measure it against.")
    low, high = poisson_interval(events)
    scale = per / exposure
    said = "" if events >= FEW else f"Computed from {events} {what} only: read the rows, not the figure."
    return Rate(events, exposure, per, events * scale, (low * scale, high * scale), said)


def poisson_interval(events: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson count (Garwood 1936, by the chi-squared distribution)."""
    from scipy.stats import chi2

    tail = (1 - LEAST) / 2
    low = 0.0 if events == 0 else float(chi2.ppf(tail, 2 * events)) / 2
    return low, float(chi2.ppf(1 - tail, 2 * (events + 1))) / 2


def compare(now: Rate, before: Rate) -> Ratio:
    """Whether a rate changed: conditional on the total, the share of now is binomial (exact, Clopper and Pearson)."""
    if not now.exposure or not before.exposure or now.events + before.events == 0:
        return Ratio(None, None, "Too little data to compare with the period before.")
    from scipy.stats import binomtest

    total = now.events + before.events
    ends = binomtest(now.events, total).proportion_ci(LEAST, method="exact")
    scale = before.exposure / now.exposure
    low = ends.low / (1 - ends.low) * scale if ends.low < 1 else float("inf")
    high = ends.high / (1 - ends.high) * scale if ends.high < 1 else float("inf")
    value = now.events / before.events * scale if before.events else None
    if total < FEW:
        said = f"Only {total} in both periods together: no change can be told."
    elif low > 1:
        said = "Higher than in the period before."
    elif high < 1:
        said = "Lower than in the period before."
    else:
        said = "No change that can be told apart from chance."
    return Ratio(value, (low, high), said)
