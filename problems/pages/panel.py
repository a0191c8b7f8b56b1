"""The panel of problems in the release cockpit."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.models import Problem
from problems.queries.claims import claimed_by, open_problems, validated_cause
from problems.queries.fix_packaging import package_of
from problems.queries.fix_risk import depth_of
from releasetrain.interface.links import page_root
from trains.models import Release
from trains.ports import Panel, cockpit_panels
from trains.queries.deployments import environments_of


@cockpit_panels
def problems_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The problems that the release fixes, and those that stay open for its services."""
    claimed = claimed_by(release)
    services = list(release.artifacts.values_list("service_id", flat=True))
    mine = {p.pk for p in claimed}
    others = [p for p in open_problems(services) if p.pk not in mine]
    if not claimed and not others:
        return None
    context: dict[str, Any] = {
        "claimed": [_line(p) for p in claimed],
        "others": others,
        "package": package_of(release),
        "depth": depth_of(release),
        "before": [
            (e.name, f"{page_root()}environments/{e.pk}/problems/?release={release.key}")
            for e in environments_of(release.train)
        ]
        if release.is_open
        else [],
    }
    return "Problems", "problems/_panel.html", context, 60


def _line(problem: Problem) -> dict[str, Any]:
    return {"problem": problem, "cause": validated_cause(problem)}
