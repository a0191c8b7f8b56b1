"""The page of a service: the generic one, with what other apps say of it."""

from __future__ import annotations

from typing import Any

from trains.models import Service
from trains.ports import sections_of


def service_page(request: Any, service: Service) -> dict[str, Any]:
    """The sections that other apps plug in."""
    return {"sections": sections_of(request, service)}
