"""The period that an address asks for: from and until, both included, in the organization's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from governance.queries.coverage import Period
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

DEFAULT_DAYS = 90
LONGEST = 3700


def asked_period(given: Mapping[str, str], days: int = DEFAULT_DAYS) -> Period:
    """The period asked for; refuses what makes no sense, naming the field."""
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=require_scope().organization_id)
    today = now().astimezone(ZoneInfo(zone)).date()
    last = _day(given, "until") or today
    first = _day(given, "from") or last - timedelta(days=days - 1)
    if first > last:
        refuse("period.order", "The period ends before it begins.", field="until", status=422)
    if (last - first).days > LONGEST:
        refuse("period.length", "A period is at most ten years.", field="from", status=422)
    return Period(first, last + timedelta(days=1), zone)


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        refuse("period.day", f"{text[:40]!r} is no day; write it as 2026-11-21.", field=name, status=422)
    if not 1990 <= day.year <= 2200:
        refuse("period.day", "That year is not covered.", field=name, status=422)
    return day
