"""The moments of an incident: their order, and what a further report adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

# In this order; an acknowledgement lies somewhere after the detection, also after a mitigation that came by itself.
_CHAIN = ("started_at", "detected_at", "mitigated_at", "resolved_at")
NAMES = (*_CHAIN, "acknowledged_at")
_WORDS = {
    "started_at": "start",
    "detected_at": "detection",
    "mitigated_at": "mitigation",
    "resolved_at": "resolution",
}


@dataclass(frozen=True)
class Times:
    """Start ≤ detection ≤ mitigation ≤ resolution, and detection ≤ acknowledgement; all but the detection may be unknown."""

    detected_at: datetime
    started_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None

    @property
    def state(self) -> str:
        if self.resolved_at:
            return "resolved"
        return "mitigated" if self.mitigated_at else "detected"

    def disorder(self) -> tuple[str, str] | None:
        """The first moment that lies before an earlier one: (its name, the sentence), or None."""
        known = [(name, moment) for name in _CHAIN if (moment := getattr(self, name)) is not None]
        for (before, earlier), (after, later) in pairwise(known):
            if later < earlier:
                return after, f"The {_WORDS[after]} lies before the {_WORDS[before]}."
        if self.acknowledged_at is not None and self.acknowledged_at < self.detected_at:
            return "acknowledged_at", "The acknowledgement lies before the detection."
        return None

    def merged(self, report: Times) -> Times:
        """What both say: the earliest detection and start, the earliest known mitigation and resolution.

        Reports of one incident may come in any order; merging them in any order gives the same moments.
        """
        return Times(
            min(self.detected_at, report.detected_at),
            *(
                _earliest(getattr(self, name), getattr(report, name))
                for name in NAMES
                if name != "detected_at"
            ),
        )


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other
