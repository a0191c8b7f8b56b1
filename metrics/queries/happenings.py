"""What happened in a period and may show in its figures: declared changes, freezes, grave incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from metrics.asking import Question
from metrics.models import DeclaredChange
from problems.models import Incident
from releasetrain.interface.links import url_for
from trains.models import Freeze

from .quality import incidents_of

GRAVE = 1
MOST = 12


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them, in a few words, with the page it leads to. `resets` begins new limits."""

    day: date
    kind: str
    title: str
    url: str
    resets: bool = False
    change: DeclaredChange | None = None

    @property
    def short(self) -> str:
        """What fits beside a line of a chart: an incident by its key."""
        return self.title.partition(" ")[0] if self.kind == "Incident" else self.title


def happenings(question: Question) -> list[Happening]:
    """Everything of the period, oldest first (three queries)."""
    zone = ZoneInfo(question.zone)
    found = [
        Happening(c.happened_on, c.get_kind_display(), c.title, url_for(c), _resets(c, question), c)
        for c in declared(question)
    ]
    for freeze in Freeze.objects.filter(
        cancelled_at__isnull=True, starts__lt=question.period.end, ends__gt=question.period.start
    ).order_by("starts")[:MOST]:
        day = max(freeze.starts.astimezone(zone).date(), question.first)
        found.append(Happening(day, "Freeze", freeze.name, url_for(freeze)))
    grave = incidents_of(question.period, question.wanted).filter(severity=GRAVE)
    for incident in Incident.objects.filter(pk__in=grave.values("pk")).order_by("detected_at")[:MOST]:
        found.append(
            Happening(
                incident.detected_at.astimezone(zone).date(),
                "Incident",
                f"{incident.key} {incident.title}",
                url_for(incident),
            )
        )
    return sorted(found, key=lambda each: (each.day, each.title))


def declared(question: Question) -> list[DeclaredChange]:
    """Declared changes of the period that concern what is asked for."""
    found = DeclaredChange.objects.filter(
        withdrawn_at__isnull=True, happened_on__gte=question.first, happened_on__lte=question.last
    ).order_by("happened_on", "id")
    return [change for change in found if _concerns(change, question)]


def _scope(change: DeclaredChange, question: Question) -> list[tuple[str, str]]:
    w = question.wanted
    pairs = ((change.train_id, w.train), (change.team_id, w.team), (change.service_id, w.service))
    return [(str(mine), asked) for mine, asked in pairs if mine is not None]


def _concerns(change: DeclaredChange, question: Question) -> bool:
    """A change of a part shows in the whole, but not in another part."""
    return all(mine == asked or not asked for mine, asked in _scope(change, question))


def _resets(change: DeclaredChange, question: Question) -> bool:
    """New limits begin where the change concerns all that is asked for."""
    return change.resets and all(mine == asked for mine, asked in _scope(change, question))
