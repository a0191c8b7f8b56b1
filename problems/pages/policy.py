"""The page of a version of the problem policy."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.models import ProblemPolicy
from problems.models.vocabulary import SEVERITIES
from problems.rules.fix_risk import CLASSES, DOCUMENTS

from .parts import verbs_by_weight


def policy_page(request: HttpRequest, policy: ProblemPolicy) -> dict[str, Any]:
    """Its tables by severity and risk class."""
    newest = ProblemPolicy.objects.order_by("-number").values_list("number", flat=True).first()
    return {
        **verbs_by_weight(request, policy, ()),
        "in_force": policy.number == newest,
        "severities": [
            {
                "label": label,
                "incident": policy.incident_costs.get(str(value)),
                "hour": policy.hour_costs.get(str(value)),
                "days": policy.catch_up_days.get(str(value)),
            }
            for value, label in SEVERITIES
        ],
        "classes": [
            {
                "name": name.capitalize(),
                "documents": [DOCUMENTS[d] for d in policy.documents.get(name, []) if d in DOCUMENTS],
            }
            for name in CLASSES
        ],
    }
