"""Feature flags: which are stale, which contradict each other, and what they keep dark. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

# On for everybody for so long, a release flag decides nothing any more.
SETTLED = timedelta(days=30)
# A provider that has not said anything for so long may have lost the flag.
SILENT = timedelta(days=90)


class Light(StrEnum):
    """What users see of the work behind a flag."""

    DARK = "dark"
    PARTLY = "partly"
    LIVE = "live"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class State:
    """A flag in one environment, as last reported; `share` is the percentage that gets it while it is on."""

    on: bool
    share: float
    since: datetime
    reported_at: datetime
    variant: str = ""

    @property
    def light(self) -> Light:
        if not self.on or self.share <= 0:
            return Light.DARK
        return Light.LIVE if self.share >= 100 else Light.PARTLY

    def __str__(self) -> str:
        if not self.on or self.share <= 0:
            return "off"
        share = "" if self.share >= 100 else f" for {self.share:g} %"
        return f"on{share}" + (f", {self.variant}" if self.variant else "")


@dataclass(frozen=True)
class Flag:
    """A flag as its rules need it; `states` by name of environment."""

    id: Any
    name: str
    service: str = ""
    permanent: bool = False
    owned: bool = True
    remove_by: date | None = None
    released_at: datetime | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    requires: Sequence[str] = ()
    excludes: Sequence[str] = ()
    registered_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name} of {self.service}" if self.service else self.name


@dataclass(frozen=True)
class Conflict:
    """Two flags that contradict each other, or one that is ahead of its own tests."""

    flags: tuple[Flag, ...]
    environment: str
    sentence: str


def stale_reasons(flag: Flag, now: datetime, production: Iterable[str]) -> list[str]:
    """Why a flag should be looked at or removed, a sentence each; none: it is in order."""
    found = []
    if flag.remove_by and flag.remove_by < now.date():
        found.append(f"It was to be removed by {flag.remove_by:%d %b %Y}.")
    if not flag.owned:
        found.append("Nobody owns it.")
    live = [flag.states.get(name) for name in production]
    settled = [s for s in live if s and s.light is Light.LIVE and now - s.since > SETTLED]
    if not flag.permanent and live and len(settled) == len(live):
        since = max(s.since for s in settled)
        found.append(f"It is on for everybody since {since:%d %b %Y}.")
    last = max((s.reported_at for s in flag.states.values()), default=flag.registered_at)
    if last and now - last > SILENT:
        found.append(f"Nothing was reported of it since {last:%d %b %Y}.")
    if not flag.permanent and flag.remove_by is None:
        found.append("No day is planned for its removal.")
    return found


def conflicts(flags: Sequence[Flag], environments: Sequence[str]) -> list[Conflict]:
    """Contradictions between flags per environment. `environments` in the order of the way to production."""
    found: list[Conflict] = []
    named: dict[str, list[Flag]] = {}
    for flag in flags:
        named.setdefault(flag.name, []).append(flag)
    for flag in flags:
        for place in environments:
            if _on(flag, place):
                found += _of_one(flag, place, named)
    for same in named.values():
        found += _of_namesakes(same, environments)
    return found


def _on(flag: Flag, place: str) -> bool:
    state = flag.states.get(place)
    return state is not None and state.light is not Light.DARK


def _of_one(flag: Flag, place: str, named: Mapping[str, list[Flag]]) -> list[Conflict]:
    found = []
    for wanted in flag.requires:
        others = named.get(wanted, [])
        if not others:
            found.append(
                Conflict(
                    (flag,), place, f"{flag} is on in {place} and requires {wanted}, which is not registered."
                )
            )
        elif not any(_on(other, place) for other in others):
            found.append(
                Conflict(
                    (flag, *others),
                    place,
                    f"{flag} is on in {place} and requires {wanted}, which is not on there.",
                )
            )
    for unwanted in flag.excludes:
        for other in named.get(unwanted, []):
            if _on(other, place):
                found.append(
                    Conflict(
                        (flag, other),
                        place,
                        f"{flag} and {other} are both on in {place}; they exclude each other.",
                    )
                )
    return found


def _of_namesakes(same: Sequence[Flag], environments: Sequence[str]) -> list[Conflict]:
    """One key in several services, on in one and off in another."""
    if len(same) < 2:
        return []
    found = []
    for place in environments:
        known = [f for f in same if place in f.states]
        on = [f for f in known if _on(f, place)]
        off = [f for f in known if not _on(f, place)]
        if on and off:
            found.append(
                Conflict(
                    (*on, *off),
                    place,
                    f"{same[0].name} is on for {_services(on)} and off for {_services(off)} in {place}.",
                )
            )
    return found


def _services(flags: Sequence[Flag]) -> str:
    return ", ".join(f.service or "every service" for f in flags)


def light_of(states: Iterable[State | None]) -> Light:
    """What is seen of something behind several switches: the darkest decides, and what is not reported is unknown."""
    lights = [s.light if s else Light.UNKNOWN for s in states]
    for light in (Light.UNKNOWN, Light.DARK, Light.PARTLY):
        if light in lights:
            return light
    return Light.LIVE if lights else Light.UNKNOWN
