"""What is tested: lines of the Definition of Done, and test cases for staging that support tickets call for."""

from __future__ import annotations

from typing import Any

from planning.actions.definition import publish_definition
from planning.actions.reports import take_report
from planning.models import ReportSource
from planning.queries.definition import lines_in_force
from releasetrain.kernel.refusals import refuse
from reviews.models import ImprovementKind
from trains.models import Train

from .registry import Plan, improves, line, unchanged


@improves(ImprovementKind.TEST_SCOPE)
def test_scope(target: Train, change: dict[str, Any], source: str) -> Plan:
    """A line is added to the Definition of Done of the train: every feature still open has to meet it."""
    wanted = " ".join(change["line"].split())
    present = [each.text for each in lines_in_force(target.pk, []).get(None, [])]
    if any(text.casefold() == wanted.casefold() for text in present):
        unchanged(f"The Definition of Done of {target}")
    params = {"train": target, "lines": "\n".join([*present, wanted]), "note": source}
    return Plan(publish_definition, None, params, [line("Definition of Done", "", wanted)])


@improves(ImprovementKind.STAGING_TEST)
def staging_test(target: Train, change: dict[str, Any], source: str) -> Plan:
    """The case goes to the backlog of the train with its ticket, to be automated in staging."""
    from planning.models import FeatureReport

    known = (
        FeatureReport.objects.filter(source=ReportSource.SUPPORT_TICKET, reference=change["ticket"].strip())
        .select_related("feature")
        .first()
    )
    if known is not None and known.feature.title.startswith("Staging test: "):
        refuse(
            "improvement.unchanged",
            f"The ticket {change['ticket']} has its test case: {known.feature.key}.",
            field="ticket",
        )
    title = f"Staging test: {change['case'].strip()}"[:200]
    params = {
        "train": target,
        "source": ReportSource.SUPPORT_TICKET.value,
        "reference": f"{change['ticket'].strip()} (staging test)" if known else change["ticket"].strip(),
        "title": title,
        "likelihood": change["likelihood"],
        "impact": change["impact"],
        "business_risk": source[:300],
        "url": change.get("url", ""),
        "summary": change["case"].strip()[:300],
    }
    return Plan(take_report, None, params, [line("Test case in staging", "", title)])
