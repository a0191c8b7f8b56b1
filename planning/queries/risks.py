"""The ROAM board and the heat map of a train's risks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count

from planning.models import Risk, Roam
from trains.models import ProgramIncrement, Train

NOTES = {
    Roam.OPEN: "Raised, and to be discussed.",
    Roam.RESOLVED: "It is no risk any more.",
    Roam.OWNED: "Somebody takes care of it.",
    Roam.ACCEPTED: "Nothing can be done; we live with it, until a day.",
    Roam.MITIGATED: "Something is done; what is left is known.",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the ROAM board, the most exposed risk first."""

    roam: str
    label: str
    note: str
    risks: tuple[Risk, ...]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """How many open risks have this likelihood and this impact."""

    likelihood: int
    impact: int
    count: int

    @property
    def tone(self) -> str:
        exposure = self.likelihood * self.impact
        return "bad" if exposure >= 15 else "warn" if exposure >= 8 else "ok"


def load(train: Train, pi: ProgramIncrement | None, today: date) -> tuple[list[Column], list[Any]]:
    """The columns and the rows of the heat map (impact across, likelihood down from 5)."""
    rows = Risk.objects.filter(train=train)
    if pi is not None:
        rows = rows.filter(pi=pi)
    found = list(
        rows.select_related("owner", "accepted_by").annotate(linked=Count("links")).order_by("created_at")
    )
    for each in found:
        each.lapsed = each.lapsed_on(today)
    columns = [
        Column(
            roam.value,
            str(roam.label),
            NOTES[roam],
            tuple(sorted((r for r in found if r.roam == roam), key=lambda r: -r.exposure)),
        )
        for roam in Roam
    ]
    live = Counter((r.likelihood, r.impact) for r in found if r.roam != Roam.RESOLVED)
    heat = [
        (likely, [HeatCell(likely, impact, live[(likely, impact)]) for impact in range(1, 6)])
        for likely in range(5, 0, -1)
    ]
    return columns, heat
