"""Quarters of a year, written 2026-Q4."""

from __future__ import annotations

import re
from datetime import date

_QUARTER = re.compile(r"20[0-9]{2}-Q[1-4]")


def is_quarter(text: str) -> bool:
    return _QUARTER.fullmatch(text) is not None


def quarter_of(day: date) -> str:
    """The quarter a day lies in."""
    return f"{day.year}-Q{(day.month + 2) // 3}"
