"""Business-risk exposure: likelihood times impact of the harm, and what it means for the backlog."""

from __future__ import annotations

from .wsjf import SCALE

LIKELIHOOD = (
    (1, "1 once in years"),
    (2, "2 once a year"),
    (3, "3 every few months"),
    (4, "4 every month"),
    (5, "5 every week"),
)
IMPACT = (
    (1, "1 nobody outside notices"),
    (2, "2 a nuisance"),
    (3, "3 customers complain"),
    (4, "4 money or trust is lost"),
    (5, "5 the business stands still"),
)
HIGH, MEDIUM = 15, 8


def band(exposure: int) -> str:
    """high, medium or low."""
    return "high" if exposure >= HIGH else "medium" if exposure >= MEDIUM else "low"


def likelihood_of(times: int, days: int) -> int:
    """How likely it happens again, judged by how often it did in so many days."""
    if days <= 0:
        raise ValueError("Count over at least one day.")
    a_year = times * 365 / days
    return 5 if a_year >= 50 else 4 if a_year >= 12 else 3 if a_year >= 3 else 2 if a_year >= 1 else 1


def impact_of(severity: int) -> int:
    """The impact that a severity (1 is the worst) stands for."""
    return {1: 5, 2: 4, 3: 3, 4: 2}.get(severity, 1)


def proposed_risk_reduction(exposure: int) -> int:
    """What to propose for risk reduction in WSJF: the step of the scale nearest to the exposure's share of the scale."""
    target = exposure / 25 * SCALE[-1]
    return min(SCALE, key=lambda step: (abs(step - target), -step))
