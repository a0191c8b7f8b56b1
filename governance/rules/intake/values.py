"""Single values out of reports: text that a database can hold, and numbers that are finite."""

import math
import re

MAX_TEXT = 500
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?\Z")
_COUNT = re.compile(r"[0-9]{1,18}\Z")
_CLOCK = re.compile(r"(?:([0-9]{1,9})\.)?([0-9]{1,9}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)\Z")


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """Text as a database column takes it (no NUL, no lone surrogate), cut; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub("\ufffd", value.strip())[:limit]


def count(value: str | None) -> int | None:
    """A whole number that is not negative, or None."""
    text = (value or "").strip()
    return int(text) if _COUNT.match(text) else None


def seconds(value: str | None) -> float | None:
    """A duration: "1.5", "1,234.5" (thousands), "0,288" (decimal comma), "00:00:01.5"; None if none."""
    text = (value or "").strip()
    clock = _CLOCK.match(text)
    if clock:
        days, hours, minutes, rest = clock.groups(default="0")
        return float(rest) + 60 * int(minutes) + 3600 * int(hours) + 86400 * int(days)
    if _THOUSANDS.match(text) and "." in text:
        text = text.replace(",", "")
    try:
        number = float(text.replace(",", ".", 1))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
