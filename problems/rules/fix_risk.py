"""The risk class of a release that fixes problems, from what is known of it, with the reasons; it sets the depth of review."""

from __future__ import annotations

from dataclasses import dataclass

LOW, MEDIUM, HIGH = "low", "medium", "high"
CLASSES = (LOW, MEDIUM, HIGH)
# What can be asked for, in the words of pages.
DOCUMENTS: dict[str, str] = {
    "root_cause": "a validated root cause of each problem",
    "analysis": "the steps of the method of each root cause",
    "test_plan": "a test plan on the change request",
    "rollback_plan": "a rollback plan on the release",
    "criteria": "measurable success criteria of each problem",
    "signals": "a recurrence signal or fingerprint of each problem",
    "signature": "the signature of the problem manager",
    "second_review": "two approvals at least",
}
# Until the organization says otherwise; each class asks for what the class below asks for, too.
STANDARD: dict[str, list[str]] = {
    LOW: ["root_cause", "rollback_plan"],
    MEDIUM: ["root_cause", "rollback_plan", "analysis", "test_plan", "signals"],
    HIGH: [
        "root_cause",
        "rollback_plan",
        "analysis",
        "test_plan",
        "signals",
        "criteria",
        "signature",
        "second_review",
    ],
}


@dataclass(frozen=True)
class Facts:
    """What the class is made of. Severity and tier 1 are the worst; None where there is none."""

    severity: int | None
    tier: int | None
    services: int
    problems: int
    came_back: int
    emergency: bool
    reaches: int = 0


@dataclass(frozen=True)
class RiskClass:
    """The class and why: (points, reason) of everything that counted."""

    name: str
    points: int
    reasons: tuple[tuple[int, str], ...]


def staged_because(facts: Facts) -> str:
    """Why the fix of a defect is confined to a staged path: alone in a release it would be of the class high; else empty."""
    risk = classify(facts)
    if risk.name != HIGH:
        return ""
    return f"A problem fix of high risk ({risk.points} points). " + " ".join(why for _, why in risk.reasons)


def classify(facts: Facts) -> RiskClass:
    """The more severe, central, wide, recurring or hurried, the higher; nothing known of severity or tier is the highest."""
    found: list[tuple[int, str]] = []

    def add(points: int, reason: str) -> None:
        if points:
            found.append((points, reason))

    add(
        {1: 3, 2: 2, 3: 1, 4: 0, None: 3}[facts.severity],
        f"Its worst problem is of severity {facts.severity}." if facts.severity else "No severity is known.",
    )
    add(
        {1: 3, 2: 2, 3: 1, 4: 0, None: 3}[facts.tier],
        f"Its most critical service is of tier {facts.tier}." if facts.tier else "No service is known.",
    )
    add(1 if facts.services > 2 else 0, f"It touches {facts.services} services.")
    add(1 if facts.reaches > 3 else 0, f"{facts.reaches} further services rely on those it touches.")
    add(1 if facts.problems > 2 else 0, f"It bundles the fixes of {facts.problems} problems.")
    add(
        2 if facts.came_back else 0,
        f"{facts.came_back} of its problems came back after an earlier fix.",
    )
    add(1 if facts.emergency else 0, "It goes as an emergency.")
    points = sum(p for p, _ in found)
    name = HIGH if points >= 6 else MEDIUM if points >= 3 else LOW
    return RiskClass(name, points, tuple(found))
