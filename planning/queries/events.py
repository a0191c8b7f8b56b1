"""A planning event as its page shows it, and a version that changes with anything on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum

from planning.models import (
    ConfidenceRound,
    ConfidenceTurnout,
    ConfidenceVote,
    EventSlot,
    Impediment,
    Objective,
    PlanningEvent,
    Risk,
)
from planning.rules import agenda


@dataclass(frozen=True, slots=True)
class Line:
    """A slot of the agenda with its time in each zone that matters here."""

    slot: EventSlot
    day: str
    times: tuple[tuple[str, str], ...]
    over: int


def version_of(event: PlanningEvent) -> str:
    """Changes with everything that the live part shows; a handful of small queries."""
    pi = event.pi_id
    parts: list[Any] = [event.row_version]
    for rows in (
        event.slots,
        event.rooms,
        event.attendees,
        event.parking,
        Risk.objects.filter(pi_id=pi),
        Impediment.objects.filter(pi_id=pi),
        Objective.objects.filter(pi_id=pi),
        ConfidenceRound.objects.filter(pi_id=pi),
        ConfidenceVote.objects.filter(pi_id=pi),
        ConfidenceTurnout.objects.filter(round__pi_id=pi),
    ):
        found = rows.order_by().aggregate(n=Count("id"), v=Sum("row_version"))
        parts.append(tuple(found.values()))
    return str(parts)


def zones_of(event: PlanningEvent, own: str) -> list[str]:
    """The zones of those who take part and of the train's teams, the viewer's own first."""
    zones = [own, event.time_zone]
    zones += event.attendees.values_list("user__time_zone", flat=True)
    zones += event.pi.train.teams.values_list("time_zone", flat=True)
    return list(dict.fromkeys(zone for zone in zones if zone))


def lines(event: PlanningEvent, zones: list[str], moment: datetime) -> list[Line]:
    """The agenda in order. The first zone decides on which day a slot is shown."""
    known = [(name, ZoneInfo(name)) for name in zones]
    found = []
    for slot in event.slots.select_related("lead").order_by("starts_at", "id"):
        ticking = event.ticking_since if slot.pk == event.current_id else None
        over = agenda.seconds_used(slot.used, ticking, moment) - slot.box
        local = slot.starts_at.astimezone(known[0][1])
        times = tuple((name, _clock(slot.starts_at.astimezone(zone), local)) for name, zone in known)
        found.append(Line(slot, f"{local:%A %-d %B}", times, max(0, over)))
    return found


def _clock(moment: datetime, beside: datetime) -> str:
    """HH:MM, with +1 or −1 where it is another day there."""
    days = (moment.date() - beside.date()).days
    mark = f" ({'+' if days > 0 else '−'}{abs(days)} day)" if days else ""
    return f"{moment:%H:%M}{mark}"


def attending(event: PlanningEvent, user_id: uuid.UUID | None) -> Any:
    return event.attendees.filter(user_id=user_id, left_at__isnull=True).first()
