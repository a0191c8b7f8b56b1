"""Public holidays of a region, from the library `holidays`: a country, or a country and a part of it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache


class UnknownRegionError(ValueError):
    """No such country, or no such part of it; the message names what there is."""


def checked(region: str) -> str:
    """The region as it is kept: `DE`, `DE-BY`. Raises UnknownRegionError."""
    import holidays

    country, _, part = region.strip().upper().partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise UnknownRegionError(
            f"There is no country {country[:20]}. Use its two letters, such as DE or GB."
        )
    if part and part not in (parts := {p.upper(): p for p in known[country]}):
        listed = ", ".join(sorted(parts)) or "none"
        raise UnknownRegionError(f"{country} has no part {part[:20]}. Its parts are {listed}.")
    return f"{country}-{part}" if part else country


@lru_cache(maxsize=512)
def of_year(region: str, year: int) -> dict[date, str]:
    """Days off and their names; none without a region, or for one that the library does not know any more."""
    if not region:
        return {}
    import holidays

    country, _, part = region.partition("-")
    parts = {p.upper(): p for p in holidays.list_supported_countries(include_aliases=False).get(country, ())}
    try:
        found = holidays.country_holidays(country, subdiv=parts.get(part), years=year, language="en_US")
    except NotImplementedError:
        return {}
    return dict(sorted(found.items()))


def between(region: str, start: date, end: date) -> dict[date, str]:
    """Public holidays from `start` up to and without `end`, in order."""
    return {
        day: name
        for year in range(start.year, end.year + 1)
        for day, name in of_year(region, year).items()
        if start <= day < end
    }
