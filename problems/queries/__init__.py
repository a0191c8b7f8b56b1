"""Reads of problems: no change of state happens here."""

from .claims import claimed_by, open_problems, validated_cause
from .closing import obstacles
from .people import hands_in_fix
from .recurrence import last_window, running_window, standing_of

__all__ = [
    "claimed_by",
    "hands_in_fix",
    "last_window",
    "obstacles",
    "open_problems",
    "running_window",
    "standing_of",
    "validated_cause",
]
