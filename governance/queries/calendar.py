"""Lines of the release calendar that governance knows of: meetings of change boards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count

from governance.models import Meeting
from releasetrain.interface import links
from trains.models import Train
from trains.ports import EVERYBODY, CalendarEvent

# A meeting without an agenda still takes its time; the agenda lengthens it.
_LEAST = timedelta(minutes=30)


def meetings(starts: datetime, ends: datetime, train: Train | None) -> Iterable[CalendarEvent]:
    """Meetings of change boards: they decide about all trains."""
    rows = Meeting.objects.filter(starts_at__gte=starts, starts_at__lt=ends)
    for meeting in rows.select_related("board").annotate(items=Count("agenda")):
        length = max(_LEAST, timedelta(minutes=meeting.minutes_per_item * meeting.items))
        items = "item" if meeting.items == 1 else "items"
        yield CalendarEvent(
            kind="cab",
            title=str(meeting.board),
            starts=meeting.starts_at,
            ends=meeting.starts_at + length,
            lane=EVERYBODY,
            url=links.url_for(meeting),
            note=f"{meeting.items} {items} on the agenda",
            icon="gavel",
            source=meeting,
        )
