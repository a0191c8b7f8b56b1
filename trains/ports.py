"""Where higher apps plug into trains: panels of the cockpit, lines of the calendar, what items of a scope mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from .models import Environment, Release, Rollout, ScopeItem, Service, Train

# (title, template, context, order): lower order comes first, from 100 on in the side column; None: nothing to show.
# The template is the inside of the panel; with the context it gets `release` and `request`.
Panel = tuple[str, str, dict[str, Any], int]
PanelSource = Callable[[HttpRequest, Release], Panel | None]

ASIDE = 100
_panels: list[PanelSource] = []


def cockpit_panels(source: PanelSource) -> PanelSource:
    """Register a panel of the release cockpit: fn(request, release) -> (title, template, context, order) or None."""
    _panels.append(source)
    return source


def panels_of(request: HttpRequest, release: Release) -> list[dict[str, Any]]:
    """The panels for this viewer, in their order."""
    found = [panel for panel in (source(request, release) for source in _panels) if panel]
    return [
        {"title": title, "template": template, "context": context, "aside": order >= ASIDE}
        for title, template, context, order in sorted(found, key=lambda p: p[3])
    ]


EVERYBODY = "All trains"


@dataclass(frozen=True)
class CalendarEvent:
    """One line of the calendar, [starts, ends); `lane` groups it (a train's name, or a word such as "CAB")."""

    kind: str
    title: str
    starts: datetime
    ends: datetime
    lane: str
    url: str = ""
    tone: str = ""
    note: str = ""
    icon: str = ""
    # The row it comes from, the first day and the day after the last of an event of whole days, and a conflict in words.
    source: Any = None
    days: tuple[date, date] | None = None
    conflict: str = ""


CalendarSource = Callable[[datetime, datetime, Train | None], Iterable[CalendarEvent]]

_calendars: list[CalendarSource] = []


def calendar_events(source: CalendarSource) -> CalendarSource:
    """Register a source of calendar lines: fn(starts, ends, train or None) -> events of [starts, ends)."""
    _calendars.append(source)
    return source


def events_between(starts: datetime, ends: datetime, train: Train | None = None) -> list[CalendarEvent]:
    """The lines of every source, by time."""
    found = [event for source in _calendars for event in source(starts, ends, train)]
    return sorted(found, key=lambda e: (e.starts, e.kind, e.title))


# Defects of this severity or worse may enter a frozen release.
CRITICAL = 2

SeveritySource = Callable[[str, UUID], int | None]

_severities: list[SeveritySource] = []


def defect_severities(source: SeveritySource) -> SeveritySource:
    """Register who knows defects of production: fn(kind of source, its id) -> severity (1 is the worst) or None."""
    _severities.append(source)
    return source


def severity_of(source_kind: str, source_id: UUID | None) -> int | None:
    """How severe the defect is that an item of a scope names; None when it names none that anybody knows."""
    if source_id is None:
        return None
    return next((s for source in _severities if (s := source(source_kind, source_id)) is not None), None)


# (kind of source, its id, risk tier, whether it goes in a hurry) -> why the item carries the canary marker; empty: it need not.
MarkerReason = Callable[[str, UUID, int, bool], str]

_marker_reasons: list[MarkerReason] = []


def marker_reasons(source: MarkerReason) -> MarkerReason:
    """Register who knows, beyond the risk tier, that something reaches production on a staged path only."""
    _marker_reasons.append(source)
    return source


def marker_reason(source_kind: str, source_id: UUID | None, tier: int, hurried: bool) -> str:
    """Why what the item of a scope names carries the canary marker by itself; empty where nobody says so."""
    if source_id is None:
        return ""
    found = (source(source_kind, source_id, tier, hurried) for source in _marker_reasons)
    return next(filter(None, found), "")


ItemWords = Callable[[list[ScopeItem]], dict[UUID, str]]

_words: list[ItemWords] = []


def item_words(source: ItemWords) -> ItemWords:
    """Register who can say in business terms what items are for: fn(items) -> {item id: sentence}."""
    _words.append(source)
    return source


def words_for(items: list[ScopeItem]) -> dict[UUID, str]:
    """What is known of the items beyond their titles."""
    return {pk: text for source in _words for pk, text in source(items).items() if text.strip()}


@dataclass(frozen=True)
class FailureMode:
    """What is known to cause failures of a train, and where that comes from."""

    text: str
    source: str


FailureModeSource = Callable[[Train], Iterable[FailureMode]]

_failure_modes: list[FailureModeSource] = []


def failure_modes(source: FailureModeSource) -> FailureModeSource:
    """Register a source of known failure modes of a train; teams that join it get them in their checklist."""
    _failure_modes.append(source)
    return source


def failure_modes_of(train: Train) -> list[FailureMode]:
    """What every source knows, each text once, the latest first."""
    found = (mode for source in _failure_modes for mode in source(train))
    return list({mode.text: mode for mode in found}.values())


# (template of a whole section, what it reads as `each`, order); None: nothing to show.
ServicePanel = tuple[str, dict[str, Any], int]
ServicePanelSource = Callable[[HttpRequest, Service], ServicePanel | None]
_service_panels: list[ServicePanelSource] = []


def service_panels(source: ServicePanelSource) -> ServicePanelSource:
    """Register a section of the page of a service: fn(request, service) -> (template, context, order) or None."""
    _service_panels.append(source)
    return source


def sections_of(request: HttpRequest, service: Service) -> list[dict[str, Any]]:
    """The sections for this viewer, in their order."""
    found = [panel for panel in (source(request, service) for source in _service_panels) if panel]
    return [
        {"template": template, "context": context}
        for template, context, _ in sorted(found, key=lambda panel: panel[2])
    ]


@dataclass(frozen=True)
class Blocker:
    """What a rollout must wait for: a sentence, and the object that it names."""

    sentence: str
    about: Any = None


BlockerSource = Callable[[Rollout], Iterable[Blocker]]
_blockers: list[BlockerSource] = []


def rollout_blockers(source: BlockerSource) -> BlockerSource:
    """Register what halts rollouts: fn(rollout) -> blockers, asked at every step; none left, it goes on by itself."""
    _blockers.append(source)
    return source


def blockers_of(rollout: Rollout) -> list[Blocker]:
    """What every source says stands in the way of the rollout now."""
    return [blocker for source in _blockers for blocker in source(rollout)]


# (user id, service, environment) -> why that person may not order a rollback there; empty: they may.
RollbackAuthority = Callable[[UUID, Service, Environment], str]
_authorities: list[RollbackAuthority] = []


def rollback_authorities(source: RollbackAuthority) -> RollbackAuthority:
    """Register who knows whether a person may order a rollback, and so authorise one beforehand."""
    _authorities.append(source)
    return source


def refused_authority(user_id: UUID, service: Service, environment: Environment) -> str:
    """Why the person's authorisation does not count there; empty when it does."""
    return next((why for source in _authorities if (why := source(user_id, service, environment))), "")
