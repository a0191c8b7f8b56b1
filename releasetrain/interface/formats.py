"""Formats: durations, numbers, sizes, days and initials as people read them, on pages and in PDFs.

Order, names and marks follow the region of whoever reads (`kernel.locales`). Thousands stand apart by a narrow space
everywhere (ISO 80000-1): where some read a comma and others a point, neither can be misread.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from releasetrain.kernel import locales

THIN = "\u202f"  # between thousands
FIXED = "\u00a0"  # between a number and its unit
NONE = "–"

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(value: Any) -> str:
    """Seconds or a timedelta in its two largest units: 2 h 14 min."""
    if value is None or value == "":
        return NONE
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    sign, seconds = ("−" if seconds < 0 else ""), abs(seconds)
    if seconds < 1:
        return f"0{FIXED}s" if seconds == 0 else f"{sign}{_marked(f'{seconds:.1f}')}{FIXED}s"
    parts, rest = [], round(seconds)
    for unit, size_of_unit in _UNITS:
        amount, rest = divmod(rest, size_of_unit)
        if amount:
            parts.append(f"{amount}{FIXED}{unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return sign + " ".join(parts)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, or in how long."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 45:
        return gettext("just now")
    span = duration(abs(seconds))
    return (gettext("%(span)s ago") if seconds > 0 else gettext("in %(span)s")) % {"span": span}


def day(value: date, today: date) -> str:
    """A day, with its weekday within two weeks and its year unless it is this one."""
    text = short_day(value) if value.year == today.year else full_day(value)
    return f"{locales.weekday(value)}{FIXED}{text}" if abs((value - today).days) <= 14 else text


def short_day(value: date) -> str:
    """A day whose year is plain from where it stands: 21 Nov."""
    return locales.day(value, "MMMd").replace(" ", FIXED)


def full_day(value: date) -> str:
    """A day with its year: 21 Nov 2026."""
    return locales.day(value, "yMMMd").replace(" ", FIXED)


def days(first: date, last: date) -> str:
    """From one day to another, the month said once where it is one and stands behind: 10–23 Nov."""
    behind = (first.year, first.month) == (last.year, last.month) and not short_day(last)[:1].isalpha()
    said = short_day(first).partition(FIXED)[0] if behind else short_day(first)
    return f"{said}–{short_day(last)}".replace(FIXED, " ")


def month(value: date) -> str:
    """A month with its year: Nov 2026."""
    return locales.day(value, "yMMM").replace(" ", FIXED)


def clock(value: datetime | time) -> str:
    """A time of day: 14:05."""
    return locales.clock(value if isinstance(value, time) else value.time())


def number(value: Any, places: int = -1) -> str:
    """A number with thin spaces between thousands; `places` fixes the decimals."""
    if value is None or value == "":
        return NONE
    amount = value if isinstance(value, int | Decimal) and not isinstance(value, bool) else float(value)
    if places >= 0:
        text = f"{amount:,.{int(places)}f}"
    elif amount == int(amount):
        text = f"{int(amount):,}"
    else:
        text = f"{amount:,.2f}".rstrip("0").rstrip(".")
    return _marked(text.replace(",", THIN).replace("-", "−"))


def size(value: Any) -> str:
    """A number of bytes: 1.2 MB (powers of ten)."""
    if value is None or value == "":
        return NONE
    amount = float(value)
    units = ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    whole = units[0] == "B" or amount >= 100
    return f"{_marked(f'{amount:.{0 if whole else 1}f}')}{FIXED}{units[0]}"


def percent(value: Any, places: int = 1) -> str:
    """A share between 0 and 1 as a percentage."""
    if value is None or value == "":
        return NONE
    return f"{_marked(f'{float(value) * 100:.{int(places)}f}')}{FIXED}%"


def _marked(text: str) -> str:
    mark = locales.decimal_mark()
    return text if mark == "." else text.replace(".", mark)


def initials(name: str) -> str:
    """Two letters for an avatar."""
    words = [word for word in name.replace(".", " ").split() if word[:1].isalnum()]
    letters = words[0][:1] + words[-1][:1] if len(words) > 1 else name[:2]
    return letters.upper()
