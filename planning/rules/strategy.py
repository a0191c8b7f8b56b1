"""Gaps of a test strategy: what is missing before one can say that it will be tested well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TITLES = {
    "unit": "unit",
    "component": "component",
    "contract": "contract",
    "integration": "integration",
    "system": "system",
    "performance": "performance",
    "security": "security",
    "acceptance": "acceptance",
}
# What each tier wants to see tested; a lower tier wants what a higher number wants, and more.
WANTED: dict[int, tuple[str, ...]] = {
    1: ("unit", "integration", "system", "performance", "security", "acceptance"),
    2: ("unit", "integration", "system", "acceptance"),
    3: ("unit", "integration", "acceptance"),
    4: ("unit", "acceptance"),
}
# Levels that run on every change, so that a person cannot be the one who runs them.
BY_MACHINE = ("unit", "component", "contract", "integration")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a strategy, as far as gaps care."""

    level: str
    what: str
    automated: bool
    owned: bool
    in_place: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing; `grave` ones stand against a release."""

    code: str
    sentence: str
    remedy: str
    grave: bool = True


def wanted_levels(tier: int | None, words: Iterable[str] = ()) -> tuple[str, ...]:
    """The levels a tier wants, and those that the tests required of the item name."""
    named = [level for level in TITLES for word in words if level in word.casefold()]
    return tuple(dict.fromkeys([*WANTED.get(tier or 3, WANTED[3]), *named]))


def gaps(lines: Sequence[Line], *, tier: int | None, agreed: bool, words: Iterable[str] = ()) -> list[Gap]:
    """Everything that is missing, the gravest first."""
    found = [
        Gap(
            "level",
            f"Nothing is tested at the level {TITLES[level]}.",
            f"Add a line for {TITLES[level]} tests.",
        )
        for level in wanted_levels(tier, words)
        if not any(line.level == level for line in lines)
    ]
    for line in lines:
        if not line.owned:
            found.append(Gap("owner", f"Nobody tests “{line.what}”.", "Name a team or a person."))
        if not line.in_place:
            found.append(
                Gap(
                    "not_in_place", f"“{line.what}” is not tested yet.", "Say when it is in place, with what."
                )
            )
        if line.level in BY_MACHINE and not line.automated:
            found.append(
                Gap(
                    "manual",
                    f"“{line.what}” is tested by hand at the level {TITLES[line.level]}.",
                    "Automate it.",
                    grave=False,
                )
            )
    if not agreed:
        found.append(
            Gap(
                "agreement", "The quality owner has not agreed.", "Have the quality owner agree the strategy."
            )
        )
    return sorted(found, key=lambda gap: not gap.grave)


def automated_share(lines: Sequence[Line]) -> int | None:
    """Percent of the lines that a machine runs; none when there are no lines."""
    return round(100 * sum(line.automated for line in lines) / len(lines)) if lines else None
