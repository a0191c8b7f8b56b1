"""Packaging: what may travel together in a release, and what may still come aboard after the scope freeze."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FEATURE, PROBLEM_FIX, INFRASTRUCTURE, HOTFIX = "feature", "problem_fix", "infrastructure", "hotfix"

# A release of this class carries only items of these classes.
CARRIES = {
    FEATURE: {FEATURE, PROBLEM_FIX, INFRASTRUCTURE, HOTFIX},
    INFRASTRUCTURE: {INFRASTRUCTURE, PROBLEM_FIX, HOTFIX},
    PROBLEM_FIX: {PROBLEM_FIX, HOTFIX},
    HOTFIX: {HOTFIX, PROBLEM_FIX},
}
# How many items of a class a release of a risk tier carries at most: the riskier, the smaller the batch.
LIMITS = {
    1: {FEATURE: 12, INFRASTRUCTURE: 2, HOTFIX: 3},
    2: {FEATURE: 20, INFRASTRUCTURE: 4, HOTFIX: 5},
    3: {FEATURE: 40, INFRASTRUCTURE: 8, HOTFIX: 10},
    4: {},
}
# Only critical defects of production come in after the scope freeze.
AFTER_FREEZE = {PROBLEM_FIX, HOTFIX}
_WORDS = {
    FEATURE: "features",
    PROBLEM_FIX: "problem fixes",
    INFRASTRUCTURE: "infrastructure changes",
    HOTFIX: "hotfixes",
}


@dataclass(frozen=True)
class Item:
    """An item as far as packaging needs it."""

    label: str
    classification: str


@dataclass(frozen=True)
class Violation:
    """One item too many, and why."""

    item: Item
    sentence: str


def belongs(release: str, item: Item) -> Violation | None:
    """Whether a release of this class may carry the item at all."""
    if item.classification in CARRIES[release]:
        return None
    kind = release.replace("_", "-")
    return Violation(
        item, f"A {kind} release carries no {_WORDS[item.classification]}: {item.label} does not belong here."
    )


def violations(release: str, tier: int, items: Iterable[Item]) -> list[Violation]:
    """Every item that breaks the packaging rules; beyond a limit, each item too many in the order of arrival."""
    found: list[Violation] = []
    counted: dict[str, int] = {}
    for item in items:
        stranger = belongs(release, item)
        if stranger:
            found.append(stranger)
            continue
        counted[item.classification] = counted.get(item.classification, 0) + 1
        limit = LIMITS[tier].get(item.classification)
        if limit is not None and counted[item.classification] > limit:
            words = _WORDS[item.classification]
            found.append(
                Violation(
                    item,
                    f"A tier {tier} release carries at most {limit} {words}: {item.label} is one too many.",
                )
            )
    return found
