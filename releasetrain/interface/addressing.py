"""What is sent to a person, in their language, region and zone: as they chose, or else their organization."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone

from releasetrain.kernel import locales


def choice_of(person: Any, organization: Any) -> locales.Choice:
    """The language and region that a person is written to in; `person` is None for who has no account."""
    both = [each for each in (person, organization) if each is not None]
    return locales.meant(*((each.language, each.region) for each in both))


def zone_among(*names: str) -> ZoneInfo:
    """The first zone that somebody chose."""
    for name in names:
        if name and name != "UTC":
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return ZoneInfo("UTC")


@contextmanager
def written_to(person: Any, organization: Any) -> Iterator[None]:
    """Texts, dates and times as this person reads them, until the block ends."""
    zone = zone_among(getattr(person, "time_zone", ""), organization.time_zone)
    with locales.written_in(choice_of(person, organization)), timezone.override(zone):
        yield
