"""How the board judges risk: a question of the risk questionnaire."""

from __future__ import annotations

import re
from typing import Any

from governance.actions.policies import publish_policy
from governance.models import ApprovalPolicy, Board
from governance.queries.risk import policy_in_force, questionnaire
from governance.rules import risk
from releasetrain.kernel.refusals import Refusal, Refused
from reviews.models import ImprovementKind

from .registry import Plan, improves, line, unchanged

_SLUG = re.compile(r"[^a-z0-9]+")


@improves(ImprovementKind.CAB_CRITERION)
def criterion(target: Board | ApprovalPolicy, change: dict[str, Any], source: str) -> Plan:
    """A yes-or-no question is added to the questionnaire by which the risk of changes is found."""
    last = policy_in_force()
    questions, bands = questionnaire(last)
    text = change["question"].strip()
    if any(q["text"].strip().casefold() == text.casefold() for q in questions):
        unchanged("The risk questionnaire")
    taken = {q["key"] for q in questions}
    key = _SLUG.sub("_", text.lower()).strip("_")[:36] or "criterion"
    unique, number = key, 2
    while unique in taken:
        unique, number = f"{key}_{number}", number + 1
    asked = {
        "key": unique,
        "text": text,
        "weight": change["weight"],
        "answers": [
            {"value": "no", "label": "No", "points": 0},
            {"value": "yes", "label": "Yes", "points": 4},
        ],
    }
    wanted = [*questions, asked]
    wrong = risk.faults(wanted, bands)
    if wrong:
        raise Refused(*[Refusal("policy.questions", fault, field="question", status=422) for fault in wrong])
    lines = [line("Question about risk", "", f"{text} (weight {change['weight']}; yes counts 4)")]
    return Plan(publish_policy, None, {"questions": wanted, "note": source[:200]}, lines)
