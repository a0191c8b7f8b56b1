"""The run rules of control charts: which runs of points are a signal (Nelson, Western Electric)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from releasetrain.kernel.lazy_numpy import np

TOLERANCE = 1e-9
"""In standard deviations: a point computed to lie on a limit is on it, and a point on a limit is no
signal."""


class Standard(StrEnum):
    NELSON = "nelson"
    WESTERN_ELECTRIC = "western_electric"


def _hits(flags: Any, window: int, needed: int) -> Any:
    """True where at least `needed` of the last `window` flags are set, the last one among them."""
    total = np.cumsum(np.concatenate(([0], flags.astype(np.int64))))
    before = np.maximum(np.arange(len(flags)) + 1 - window, 0)
    return flags & (total[1:] - total[before] >= needed)


def _beyond(z: Any, sigmas: float) -> tuple[Any, Any]:
    return z > sigmas + TOLERANCE, z < -sigmas - TOLERANCE


def _one_beyond(z: Any) -> Any:
    above, below = _beyond(z, 3)
    return above | below


def _some_beyond(window: int, needed: int, sigmas: float) -> Callable[[Any], Any]:
    def rule(z: Any) -> Any:
        above, below = _beyond(z, sigmas)
        return _hits(above, window, needed) | _hits(below, window, needed)

    return rule


def _same_side(length: int) -> Callable[[Any], Any]:
    return _some_beyond(length, length, 0)


def _trend(z: Any) -> Any:
    step = np.concatenate(([0.0], np.diff(z)))
    return _hits(step > TOLERANCE, 5, 5) | _hits(step < -TOLERANCE, 5, 5)


def _alternating(z: Any) -> Any:
    step = np.sign(np.concatenate(([0.0], np.where(np.abs(np.diff(z)) > TOLERANCE, np.diff(z), 0.0))))
    turned = np.concatenate(([False], step[1:] * step[:-1] < 0))
    return _hits(turned, 12, 12)


def _hugging(z: Any) -> Any:
    return _hits(np.abs(z) < 1 - TOLERANCE, 15, 15)


def _mixture(z: Any) -> Any:
    above, below = _beyond(z, 1)
    outside = _hits(above | below, 8, 8)
    mixed = _window_any(above, 8) & _window_any(below, 8)
    return outside & mixed


def _window_any(flags: Any, window: int) -> Any:
    total = np.cumsum(np.concatenate(([0], flags.astype(np.int64))))
    before = np.maximum(np.arange(len(flags)) + 1 - window, 0)
    return total[1:] - total[before] > 0


@dataclass(frozen=True, slots=True)
class RunRule:
    number: int
    length: int
    text: str
    fires: Callable[[Any], Any]


RULES: dict[Standard, tuple[RunRule, ...]] = {
    Standard.NELSON: (
        RunRule(1, 1, "one point more than 3 sigma from the centre", _one_beyond),
        RunRule(2, 9, "nine points in a row on one side of the centre", _same_side(9)),
        RunRule(3, 6, "six points in a row steadily rising or falling", _trend),
        RunRule(4, 14, "fourteen points in a row alternating up and down", _alternating),
        RunRule(5, 3, "two of three points more than 2 sigma out on one side", _some_beyond(3, 2, 2)),
        RunRule(6, 5, "four of five points more than 1 sigma out on one side", _some_beyond(5, 4, 1)),
        RunRule(7, 15, "fifteen points in a row within 1 sigma", _hugging),
        RunRule(8, 8, "eight points in a row beyond 1 sigma, on both sides", _mixture),
    ),
    Standard.WESTERN_ELECTRIC: (
        RunRule(1, 1, "one point more than 3 sigma from the centre", _one_beyond),
        RunRule(2, 3, "two of three points more than 2 sigma out on one side", _some_beyond(3, 2, 2)),
        RunRule(3, 5, "four of five points more than 1 sigma out on one side", _some_beyond(5, 4, 1)),
        RunRule(4, 8, "eight points in a row on one side of the centre", _same_side(8)),
    ),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: the rule, the point at which it first fired, and the span of points that belong to it."""

    standard: Standard
    rule: int
    at: int
    first: int
    last: int
    text: str


def fires(z: Sequence[float], rule: int, standard: Standard | str = Standard.NELSON) -> list[bool]:
    """For each point, whether the rule is complete there. `z` is the distance from the centre in sigma."""
    values = np.asarray(z, dtype=np.float64)
    found = next((each for each in RULES[Standard(standard)] if each.number == rule), None)
    if found is None:
        raise ValueError(f"{standard} has no rule {rule}.")
    if len(values) == 0:
        return []
    return [bool(each) for each in found.fires(values)]


def signals(
    z: Sequence[float],
    standard: Standard | str = Standard.NELSON,
    rules: Sequence[int] | None = None,
) -> tuple[Signal, ...]:
    """The signals in order. A run that goes on after it fired stays one signal."""
    standard = Standard(standard)
    found: list[Signal] = []
    for rule in RULES[standard]:
        if rules is not None and rule.number not in rules:
            continue
        previous: Signal | None = None
        for at, fired in enumerate(fires(z, rule.number, standard)):
            if not fired:
                continue
            if previous is not None and rule.length > 1 and at == previous.last + 1:
                previous = Signal(standard, rule.number, previous.at, previous.first, at, rule.text)
                found[-1] = previous
            else:
                first = max(0, at - rule.length + 1)
                previous = Signal(standard, rule.number, at, first, at, rule.text)
                found.append(previous)
    return tuple(sorted(found, key=lambda signal: (signal.at, signal.rule)))
