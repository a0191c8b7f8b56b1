"""The release cockpit."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from trains.models import Release
from trains.ports import panels_of


def cockpit(request: HttpRequest, release: Release) -> dict[str, Any]:
    """What the cockpit shows beyond the generic page of a release."""
    return {"panels": panels_of(request, release)}
