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
# Where an organization has set no limit of its own: the riskier the release, the smaller the batch.
LIMITS = {
    1: {FEATURE: 12, INFRASTRUCTURE: 2, HOTFIX: 3},
    2: {FEATURE: 20, INFRASTRUCTURE: 4, HOTFIX: 5},
    3: {FEATURE: 40, INFRASTRUCTURE: 8, HOTFIX: 10},
    4: {},
}
# Only critical defects of production come in after the scope freeze.
AFTER_FREEZE = {PROBLEM_FIX, HOTFIX}
# An item of these tiers is of high risk: no frozen release carries it without rollback criteria.
HIGH = {1, 2}
# Items of these tiers carry the canary marker by themselves; so do problem fixes of high risk (`problems.rules.fix_risk`),
# and any other may be given it.
CANARY = {1}
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
class Limit:
    """A limit that somebody set: None in a condition means any, None as a number means any number."""

    classification: str
    at_most: int | None
    train: str | None = None
    criticality: int | None = None
    risk: int | None = None

    def applies(self, train: str, criticality: int | None, risk: int) -> bool:
        return (
            self.train in (None, train)
            and (self.criticality is None or self.criticality == criticality)
            and self.risk in (None, risk)
        )

    @property
    def precision(self) -> tuple[bool, bool, bool]:
        """The train's own limit goes before everybody's, then criticality before risk."""
        return self.train is not None, self.criticality is not None, self.risk is not None


@dataclass(frozen=True)
class Profile:
    """What limits depend on: the train, its most critical service in the release (None: no build yet), the risk."""

    train: str
    criticality: int | None
    risk: int


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


def limit_for(classification: str, profile: Profile, limits: Iterable[Limit]) -> tuple[int | None, bool]:
    """The number that holds, and whether somebody set it; the most precise limit wins."""
    fitting = [
        limit
        for limit in limits
        if limit.classification == classification
        and limit.applies(profile.train, profile.criticality, profile.risk)
    ]
    if fitting:
        return max(fitting, key=lambda limit: limit.precision).at_most, True
    return LIMITS[profile.risk].get(classification), False


def violations(
    release: str, profile: Profile, items: Iterable[Item], limits: Iterable[Limit] = ()
) -> list[Violation]:
    """Every item that breaks the packaging rules; beyond a limit, each item too many in the order of arrival."""
    found: list[Violation] = []
    counted: dict[str, int] = {}
    known = list(limits)
    for item in items:
        stranger = belongs(release, item)
        if stranger:
            found.append(stranger)
            continue
        counted[item.classification] = counted.get(item.classification, 0) + 1
        limit, _ = limit_for(item.classification, profile, known)
        if limit is not None and counted[item.classification] > limit:
            found.append(Violation(item, _one_too_many(item, limit, profile)))
    return found


def _one_too_many(item: Item, limit: int, profile: Profile) -> str:
    of = f" with tier {profile.criticality} services" if profile.criticality else ""
    number = f"at most {limit}" if limit else "no"
    words = _WORDS[item.classification]
    return f"A tier {profile.risk} release{of} carries {number} {words}: {item.label} is one too many."
