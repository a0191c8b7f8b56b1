"""What joining teams have to know."""

from __future__ import annotations

from typing import Any

from releasetrain.kernel.refusals import refuse
from reviews.models import ImprovementKind
from trains.actions.onboarding import add_item
from trains.models import ChecklistTemplate
from trains.models.onboarding import ChecklistTopic

from .registry import Plan, improves, line, unchanged


@improves(ImprovementKind.ONBOARDING)
def onboarding(target: ChecklistTemplate, change: dict[str, Any], source: str) -> Plan:
    """A note is added to what teams settle when they join."""
    text = " ".join(change["note"].split())
    if target.retired_at:
        refuse("checklist_template.retired", f"{target} is given to no team any more.", field="template")
    if target.items.filter(text__iexact=text).exists():
        unchanged(target)
    params = {"text": text, "topic": ChecklistTopic.FAILURE_MODE, "mandatory": change["mandatory"]}
    return Plan(add_item, target, params, [line("Onboarding note", "", text)])
