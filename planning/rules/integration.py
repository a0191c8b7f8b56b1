"""Whether a required version is there: from what was deployed and what its contract tests said, never from a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trains.rules.versions import VersionError, parse_version


class Reached(StrEnum):
    """How far a requirement, or a whole milestone, is met."""

    MET = "met"
    WAITING = "waiting"
    UNPROVEN = "unproven"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Suite:
    """One report of contract tests: how many ran, and how many did not pass."""

    tests: int
    broken: int


def reached(
    minimum: str, running: str | None, scheme: str, suites: Iterable[Suite] | None
) -> tuple[Reached, str]:
    """The state of one requirement and why. `suites` is None where no contract tests are asked for."""
    if not running:
        return Reached.WAITING, "It is not deployed there."
    try:
        enough = parse_version(running, scheme) >= parse_version(minimum, scheme)
    except VersionError:
        return (
            Reached.WAITING,
            f"{running} runs there, which is no version that can be compared with {minimum}.",
        )
    if not enough:
        return Reached.WAITING, f"{running} runs there, {minimum} is needed."
    if suites is None:
        return Reached.MET, f"{running} runs there."
    listed = list(suites)
    tests, broken = sum(s.tests for s in listed), sum(s.broken for s in listed)
    if not tests:
        return Reached.UNPROVEN, f"{running} runs there, but no contract tests of that build were posted."
    if broken:
        return (
            Reached.FAILING,
            f"{running} runs there, but {broken} of its {tests} contract tests do not pass.",
        )
    return Reached.MET, f"{running} runs there, and its {tests} contract tests pass."


_ORDER = (Reached.FAILING, Reached.WAITING, Reached.UNPROVEN)


def together(states: Iterable[Any]) -> Reached | None:
    """The state of a milestone: the worst of its requirements; none without any."""
    listed = list(states)
    if not listed:
        return None
    return next((state for state in _ORDER if state in listed), Reached.MET)
