"""Pages of verdicts told to forges: a connection with what it posted, a status with its attempts."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Q
from django.utils.dateparse import parse_datetime

from releasetrain.exchange.models import ForgeConnection, ForgeStatus

_SHOWN = 30


def connection_page(request: Any, connection: ForgeConnection) -> dict[str, Any]:
    """How its posts stand, and the last ones."""
    counted = dict(connection.statuses.values_list("state").annotate(Count("id")))
    return {
        "counts": [(label, counted.get(value, 0), value) for value, label in ForgeStatus.State.choices],
        "recent": list(connection.statuses.order_by("-created_at", "-id")[:_SHOWN]),
        "named": sorted(connection.repositories.items()),
    }


def forge_health() -> list[ForgeConnection]:
    """All connections, with how many statuses stand how and when one was last posted."""
    counts = {value: Count("statuses", filter=Q(statuses__state=value)) for value in ForgeStatus.State.values}
    rows = ForgeConnection.objects.annotate(**counts, last=Max("statuses__posted_at"))
    return list(rows.order_by("disabled_at", "name"))


def status_page(request: Any, status: ForgeStatus) -> dict[str, Any]:
    """Every attempt, newest first."""
    words = dict(ForgeStatus._meta.get_field("says").flatchoices)
    return {
        "attempts_made": [
            {**each, "at": parse_datetime(str(each["at"])), "word": words.get(each["says"], each["says"])}
            for each in reversed(status.log)
        ]
    }
