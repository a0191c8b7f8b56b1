"""How verdicts combine. Nothing but pass and waived lets anything through."""

from __future__ import annotations

from collections.abc import Iterable

# A definite no outranks "we could not look", which outranks "not yet".
_ORDER = ("fail", "error", "pending")
_LETS_THROUGH = {"pass", "waived"}


def combine(verdicts: Iterable[str]) -> str:
    """The gate's verdict: pass only if there is at least one check and all of them pass or are waived."""
    seen = set(verdicts)
    for worst in _ORDER:
        if worst in seen:
            return worst
    return "pass" if seen and seen <= _LETS_THROUGH else "error"


def worst_first(verdict: str) -> int:
    """Sort key: what stands in the way comes first."""
    order = (*_ORDER, "waived", "pass")
    return order.index(verdict) if verdict in order else 0
