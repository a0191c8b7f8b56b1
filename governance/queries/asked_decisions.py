"""What an address asks of the register of decisions."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime

from governance.queries.decisions import KINDS, Wanted
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization, row_id
from releasetrain.tenancy.scope import require_scope


def asked(given: Any) -> Wanted:
    """The search asked for; refuses what makes no sense, naming the field."""
    kind = given.get("kind", "")
    if kind and kind not in KINDS:
        refuse("filter.kind", f"A kind is one of {', '.join(KINDS)}.", field="kind", status=422)
    before = given.get("before", "")
    if before and (not before.isdecimal() or len(before) > 18):
        refuse("filter.before", "before is a number that an earlier answer gave.", field="before", status=422)
    return Wanted(
        text=given.get("q", "")[:200].replace("\0", ""),
        kind=kind,
        person=_id(given.get("person", ""), "person"),
        services=tuple(_id(each, "service") for each in given.getlist("service")[:50] if each),  # type: ignore[misc]
        releases=tuple(_id(each, "release") for each in given.getlist("release")[:50] if each),  # type: ignore[misc]
        subject=given.get("subject", "")[:60].replace("\0", ""),
        since=_moment(given.get("since", ""), "since", 0),
        until=_moment(given.get("until", ""), "until", 1),
        before=int(before) if before else None,
    )


def _id(text: str, name: str) -> uuid.UUID | None:
    if not text:
        return None
    found = row_id(text)
    if found is None:
        refuse("filter.id", f"{name} is filtered by its id.", field=name, status=422)
    return found


def _moment(text: str, name: str, days: int) -> datetime | None:
    """A moment as written, or the beginning of a day (its end, for the end of a span) in the organization's zone."""
    if not text:
        return None
    try:
        day, exact = parse_date(text), parse_datetime(text)
    except ValueError:
        day = exact = None
    if day is None and (exact is None or exact.tzinfo is None):
        refuse(
            "filter.moment",
            f"{text[:40]!r} is neither a day like 2026-11-21 nor a moment with its zone.",
            field=name,
            status=422,
        )
    if day is None:
        return exact
    if not 1990 <= day.year <= 2200:
        refuse("filter.moment", "That year is not covered.", field=name, status=422)
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=require_scope().organization_id)
    return datetime.combine(day + timedelta(days=days), time(), ZoneInfo(zone))
