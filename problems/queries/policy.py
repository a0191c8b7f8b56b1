"""How problems are handled here: the policy in force, or the standard one until somebody publishes another."""

from __future__ import annotations

from problems.models import ProblemPolicy
from problems.rules.fix_risk import STANDARD

# Points, not money: they say how bad one is beside another, and are shown as points.
POINTS = "pts"
STANDARD_INCIDENT = {"1": 13, "2": 8, "3": 3, "4": 1}
STANDARD_HOUR = {"1": 8, "2": 3, "3": 1, "4": 0}
STANDARD_DAYS = {"1": 5, "2": 10, "3": 20, "4": 20}


def policy_in_force() -> ProblemPolicy:
    """The newest version; number 0 is the standard, which nobody here has decided on."""
    return ProblemPolicy.objects.order_by("-number").first() or ProblemPolicy(
        number=0,
        currency=POINTS,
        incident_costs=STANDARD_INCIDENT,
        hour_costs=STANDARD_HOUR,
        documents=STANDARD,
        catch_up_days=STANDARD_DAYS,
    )


def catch_up_days(policy: ProblemPolicy, severity: int) -> int:
    """Days until a deviation for a fix of this severity has to be caught up."""
    return int(policy.catch_up_days.get(str(severity), STANDARD_DAYS[str(severity)]))
