"""Navigation: the places of the product. Eight stand in the rail, the rest under More."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.urls import is_valid_path

from .wording import said

Address = str | Callable[[HttpRequest], str]
IN_RAIL = 8
GROUPS = ("Plan", "Release", "Learn", "Assure", "Organization")


@dataclass(frozen=True)
class Place:
    """One entry of the frame.

    section  what a page calls itself (context variable ``section``) to mark this entry as current
    label    short word under the icon; `title` says it in full
    to       a path below ``/o/<organization>/``, or a function of the request
    order    lower comes first; the first eight stand in the rail
    group    heading under More
    spot     "rail", "foot" (settings) or "bar" (top bar, e.g. notifications)
    key      second key of the ``g`` shortcut
    count    a number shown at the entry, e.g. unread notifications
    """

    section: str
    label: str
    icon: str
    to: Address
    order: int = 500
    group: str = "Organization"
    title: str = ""
    spot: str = "rail"
    key: str = ""
    count: Callable[[HttpRequest], int] | None = None


@dataclass(frozen=True)
class Entry:
    """A place as one request sees it: with its address, its mark and its number."""

    place: Place
    url: str
    current: bool
    count: int
    on_phone: bool = False


_places: dict[str, Place] = {}


def register(place: Place) -> Place:
    """Add a place; a later one of the same section replaces it."""
    _places[place.section] = place
    return place


def registered() -> list[Place]:
    """All places, in their order."""
    return sorted(_places.values(), key=lambda p: p.order)


for _place in (
    Place("home", "Home", "home", "", 10, "Plan", "Home: what waits for you", key="h"),
    Place("board", "Board", "board", "board/", 20, "Plan", "Program board", key="b"),
    Place("backlog", "Backlog", "list", "features/", 30, "Plan", "Backlog by WSJF", key="l"),
    Place("releases", "Releases", "rocket", "releases/", 40, "Release", key="r"),
    Place("changes", "Changes", "gavel", "changes/", 50, "Release", "Changes and CAB", key="c"),
    Place("calendar", "Calendar", "cal", "calendar/", 60, "Release", "Release calendar", key="k"),
    Place("metrics", "Metrics", "chart", "metrics/", 70, "Learn", "Delivery performance", key="m"),
    Place("evidence", "Evidence", "vault", "evidence/", 80, "Assure", "Evidence packages", key="e"),
    Place("problems", "Problems", "problem", "problems/", 90, "Learn", key="p"),
    Place("incidents", "Incidents", "alert", "incidents/", 95, "Learn", key="i"),
    Place("reviews", "Reviews", "review", "reviews/", 100, "Learn", "Post-release reviews", key="v"),
    Place("trains", "Trains", "train", "trains/", 110, "Plan", "Release trains", key="t"),
    Place("gates", "Gates", "gate", "gates/", 120, "Assure", "Gates and rules"),
    Place("audit", "Audit", "history", "audit/", 130, "Assure", "Audit trail", key="a"),
    Place("settings", "Settings", "gear", "settings/", 900, "Organization", spot="foot", key="s"),
    Place("notifications", "Notifications", "bell", "notifications/", 910, spot="bar", key="n"),
):
    register(_place)


@lru_cache(maxsize=2048)
def _exists(path: str) -> bool:
    return bool(is_valid_path(path))


def address(request: HttpRequest, place: Place) -> str:
    """Where the place is for this request; empty when the installation has no such page."""
    organization = getattr(request, "organization", None)
    if callable(place.to):
        return place.to(request)
    if organization is None:
        return ""
    path = f"/o/{organization.slug}/{place.to}"
    return path if _exists(path) else ""


def places(request: HttpRequest, section: str = "") -> dict[str, Any]:
    """The frame's entries: ``rail`` (eight), ``more`` (groups), ``foot`` and ``bar``; ``all`` of them in order."""
    entries: dict[str, list[Entry]] = {"rail": [], "foot": [], "bar": []}
    for place in registered():
        url = address(request, place)
        if not url:
            continue
        count = place.count(request) if place.count else 0
        on_phone = place.spot == "rail" and len(entries["rail"]) < 6 and place.section != "backlog"
        entries[place.spot].append(Entry(place, url, place.section == section, count, on_phone))
    rail, rest = entries["rail"][:IN_RAIL], entries["rail"][IN_RAIL:]
    # On a phone the bar holds five places, so More repeats what the bar leaves out.
    hidden = [e for e in rail if not e.on_phone]
    groups = [
        {
            "label": group,
            "entries": [(e, False) for e in rest if e.place.group == group],
            "phone": [e for e in hidden + entries["foot"] if e.place.group == group],
        }
        for group in GROUPS
    ]
    return {
        "rail": rail,
        "more": [g for g in groups if g["entries"] or g["phone"]],
        "more_current": any(e.current for e in rest),
        "foot": entries["foot"],
        "bar": entries["bar"],
        "all": [*entries["rail"], *entries["foot"], *entries["bar"]],
        "keys": {
            e.place.key: e for e in (*entries["rail"], *entries["foot"], *entries["bar"]) if e.place.key
        },
    }


def label_of(section: str) -> str:
    """The label of a section, for crumbs."""
    place = _places.get(section)
    return said(place.label) if place else ""
