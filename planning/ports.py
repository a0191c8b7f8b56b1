"""Where other apps plug into the program board and the wall: conflicts over shared things, forecasts, panels."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from trains.models import ProgramIncrement, Train

BAD, WARN, HOLD = "bad", "warn", "hold"


@dataclass(frozen=True, slots=True)
class SharedMark:
    """Something shared that limits a plan on the days [starts, ends): a freeze, a booking, another train's delivery.

    `tone` is "bad" for a conflict, "warn" for a danger, "hold" for what merely stands there. `features` are the cards
    that it touches; they carry its mark.
    """

    resource: str
    sentence: str
    starts: date
    ends: date
    tone: str = HOLD
    url: str = ""
    features: frozenset[uuid.UUID] = frozenset()


SharedSource = Callable[[ProgramIncrement], Iterable[SharedMark]]
_shared: list[SharedSource] = []


def shared_resources(source: SharedSource) -> SharedSource:
    """Register a source of marks: fn(increment) -> marks of its days, from a fixed number of queries."""
    _shared.append(source)
    return source


def shared_marks(pi: ProgramIncrement) -> list[SharedMark]:
    """The marks of every source for a Program Increment, by day, the worst first."""
    order = {BAD: 0, WARN: 1, HOLD: 2}
    found = [mark for source in _shared for mark in source(pi)]
    return sorted(found, key=lambda m: (m.starts, order[m.tone], m.resource, m.sentence))


ForecastSource = Callable[[ProgramIncrement], Mapping[uuid.UUID, date]]
_forecasts: list[ForecastSource] = []


def feature_forecasts(source: ForecastSource) -> ForecastSource:
    """Register forecasts: fn(increment) -> the day by which each feature is expected done (the day after its last)."""
    _forecasts.append(source)
    return source


def forecasts(pi: ProgramIncrement) -> dict[uuid.UUID, date]:
    """The latest day that any source expects for each feature."""
    found: dict[uuid.UUID, date] = {}
    for source in _forecasts:
        for feature, day in source(pi).items():
            found[feature] = max(day, found.get(feature, day))
    return found


@dataclass(frozen=True, slots=True)
class WallLine:
    """One line of a wall panel: readable from five metres, so few words."""

    text: str
    value: str = ""
    tone: str = "idle"


@dataclass(frozen=True, slots=True)
class WallPanel:
    """A panel of the wall screen: a huge figure, what it counts, and a few lines."""

    title: str
    figure: str
    lines: tuple[WallLine, ...] = ()
    tone: str = ""
    order: int = 100


WallSource = Callable[[Train, ProgramIncrement | None], WallPanel | None]
_wall: list[WallSource] = []


def wall_panel(source: WallSource) -> WallSource:
    """Register a panel of the wall screen: fn(train, increment or None) -> panel or None. No names of persons."""
    _wall.append(source)
    return source


def wall_panels(train: Train, pi: ProgramIncrement | None) -> list[WallPanel]:
    """The panels that other apps show on a train's wall."""
    found = [panel for panel in (source(train, pi) for source in _wall) if panel]
    return sorted(found, key=lambda panel: panel.order)
