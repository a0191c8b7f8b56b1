"""Which rule opens a review after a production deployment, and how deep it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SUCCEEDED, FAILED, ROLLED_BACK, INCIDENT = "succeeded", "failed", "rolled_back", "incident"
DETAILED, LIGHTWEIGHT = "detailed", "lightweight"


@dataclass(frozen=True)
class Conditions:
    """When a rule fits. Empty outcomes and classifications fit every one; tiers count from 1, the most critical."""

    id: Any
    depth: str = LIGHTWEIGHT
    least_critical_tier: int = 4
    outcomes: frozenset[str] = frozenset()
    classifications: frozenset[str] = frozenset()
    emergency_only: bool = False
    severity: int | None = None
    harm_minutes: int | None = None
    budget_percent: int | None = None
    mandatory: bool = False
    due_days: int = 10


@dataclass(frozen=True)
class Happened:
    """A production deployment as the rules see it. A deployment without a release has no classification."""

    outcome: str
    tier: int
    classification: str = ""
    emergency: bool = False
    # The worst incident laid to it (1 is the worst), how long its incidents lasted, the share of error budget burnt
    # since in percent. None: none, or not known; a condition on it is not met then.
    severity: int | None = None
    harm_minutes: int | None = None
    budget_percent: float | None = None


def fits(rule: Conditions, happened: Happened) -> bool:
    """Whether every condition of the rule is met."""
    return (
        happened.tier <= rule.least_critical_tier
        and (not rule.outcomes or happened.outcome in rule.outcomes)
        and (not rule.classifications or happened.classification in rule.classifications)
        and (happened.emergency or not rule.emergency_only)
        and (rule.severity is None or (happened.severity is not None and happened.severity <= rule.severity))
        and _reaches(rule.harm_minutes, happened.harm_minutes)
        and _reaches(rule.budget_percent, happened.budget_percent)
    )


def _reaches(least: float | None, actual: float | None) -> bool:
    return least is None or (actual is not None and actual >= least)


def strictest(rules: Iterable[Conditions], happened: Happened) -> Conditions | None:
    """The rule that asks for most: detailed before lightweight, mandatory before optional, then the soonest."""
    fitting = [r for r in rules if fits(r, happened)]
    return min(fitting, key=strictness, default=None)


def strictness(rule: Conditions) -> tuple[bool, bool, int, str]:
    """Lower is stricter."""
    return rule.depth != DETAILED, not rule.mandatory, rule.due_days, str(rule.id)


def outcome_of(state: str, caused_incident: bool) -> str | None:
    """How a deployment turned out, the worst first; None while that is open or when it never ran."""
    if state == ROLLED_BACK:
        return ROLLED_BACK
    if caused_incident:
        return INCIDENT
    return {"succeeded": SUCCEEDED, "failed": FAILED}.get(state)


# What an organization starts with: (name, conditions, gathers deployments for days).
STANDARD: tuple[tuple[str, Conditions, int], ...] = (
    (
        "Failed, rolled back or caused an incident",
        Conditions(
            "failed",
            depth=DETAILED,
            least_critical_tier=2,
            outcomes=frozenset({FAILED, ROLLED_BACK, INCIDENT}),
            mandatory=True,
            due_days=5,
        ),
        0,
    ),
    (
        "Failure of a less critical service",
        Conditions("minor", outcomes=frozenset({FAILED, ROLLED_BACK, INCIDENT}), due_days=10),
        7,
    ),
    (
        "Emergency change",
        Conditions("emergency", depth=DETAILED, emergency_only=True, mandatory=True, due_days=5),
        0,
    ),
    (
        "Problem fix went live",
        Conditions("fix", classifications=frozenset({"problem_fix", "hotfix"}), due_days=20),
        0,
    ),
    (
        "An error budget was burnt",
        Conditions("budget", depth=DETAILED, budget_percent=50, due_days=10),
        0,
    ),
    ("Release of a mission-critical tier", Conditions("critical", least_critical_tier=1, due_days=10), 0),
)
