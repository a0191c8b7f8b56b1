"""What goes to the backlog: debt, and questions that the architecture board took up."""

from __future__ import annotations

from typing import Any

from planning.models import FeatureReport, ReportSource
from releasetrain.kernel.refusals import Ref, refuse
from reviews.actions.debt import create_debt
from reviews.models import ImprovementKind, Review

from .registry import Plan, improves, line


@improves(ImprovementKind.DEBT)
def debt(target: Review, change: dict[str, Any], source: str) -> Plan:
    """The debt goes to the backlog of the service's train with its business risk."""
    return _backlog(target, change, source, "Debt item")


@improves(ImprovementKind.ARCHITECTURE)
def architecture(target: Review, change: dict[str, Any], source: str) -> Plan:
    """What the board decides to build goes to the backlog; the history of the recurring mode is attached."""
    return _backlog(target, change, source, "Decision of the architecture board")


def _backlog(target: Review, change: dict[str, Any], source: str, what: str) -> Plan:
    title = change["title"].strip()[:100]
    known = FeatureReport.objects.filter(source=ReportSource.REVIEW, reference=f"{target.key}: {title}")
    there = known.select_related("feature").first()
    if there is not None:
        refuse(
            "improvement.unchanged",
            f"{there.feature.key} is on the backlog for it already.",
            blocked_by=Ref.of(there.feature),
        )
    if target.service.train_id is None:
        refuse(
            "debt.train",
            f"{target.service.name} belongs to no train.",
            remedy="Give the service a train first.",
        )
    params = {
        "title": title,
        "likelihood": change["likelihood"],
        "impact": change["impact"],
        "business_risk": change["business_risk"],
    }
    return Plan(create_debt, target, params, [line(what, "", title)])
