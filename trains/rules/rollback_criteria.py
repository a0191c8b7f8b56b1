"""A rollback criterion written in one line: what is watched, the value it must keep, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

EXAMPLE = "error rate of refunds at most 0.2 % within 60 minutes"
_LINE = re.compile(
    r"(?P<indicator>.+?)\s*(?P<side>at most|at least|below|above|<=|>=|<|>)\s*"
    r"(?P<threshold>-?\d{1,9}(?:\.\d{1,4})?)\s*(?P<unit>[^\d\s].{0,19}?)??\s*"
    r"(?:within|for|over)\s+(?P<length>\d{1,5})\s*(?P<of>minutes?|min|hours?|h)\.?",
    re.IGNORECASE | re.ASCII,
)
_MOST = {"at most", "below", "<", "<="}


@dataclass(frozen=True)
class Criterion:
    """What the line says; `at_most` is whether small values are good."""

    indicator: str
    at_most: bool
    threshold: Decimal
    unit: str
    window_minutes: int


def read_criterion(line: str) -> Criterion | None:
    """The criterion that a line states, or None when it states none."""
    found = _LINE.fullmatch(" ".join(line.split()))
    if found is None or len(found["indicator"]) > 120:
        return None
    minutes = int(found["length"]) * (60 if found["of"].lower().startswith("h") else 1)
    if not minutes:
        return None
    return Criterion(
        indicator=found["indicator"].strip(" :,"),
        at_most=found["side"].lower() in _MOST,
        threshold=Decimal(found["threshold"]),
        unit=(found["unit"] or "").strip(),
        window_minutes=minutes,
    )
