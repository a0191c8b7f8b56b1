"""The panel of endorsements in the release cockpit: it flags a release that carries an unendorsed feature."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from planning.queries import endorsements
from trains.models import Release
from trains.ports import Panel, cockpit_panels


@cockpit_panels
def endorsements_panel(request: HttpRequest, release: Release) -> Panel | None:
    """High-impact features of the release with who stands for them; missing ones first."""
    standings = sorted(endorsements.of_release(release), key=lambda s: (not s.missing, s.feature.key))
    if not standings:
        return None
    missing = sum(s.missing for s in standings)
    context: dict[str, Any] = {"standings": standings, "missing": missing}
    return "Endorsements", "planning/_endorsements_panel.html", context, 45
