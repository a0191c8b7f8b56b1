"""How much of a meeting's time a change gets."""

from __future__ import annotations

# Twice the usual time for what is risky, half of it for what is not.
_PARTS = {"high": 2.0, "medium": 1.0, "low": 0.5}


def time_box(risk: str, usual: int) -> int:
    """Whole minutes, at least one; an unknown risk gets as much as a high one."""
    return max(1, round(usual * _PARTS.get(risk, 2.0)))
