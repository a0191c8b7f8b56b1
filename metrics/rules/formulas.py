"""Formulas of indicators: what they may name, and which series they do."""

from __future__ import annotations

import re

NAMES = {
    "series": 'recorded series by name: series.checkout_orders.mean, or series["checkout_orders"]; each has mean, min, max, last, sum, p50, p95,'
    " points and, of counters, increase (means are then per second)",
    "counts": "what happened in the period: deployments, failed_deployments, rolled_back_deployments, emergency_deployments,"
    " releases, incidents, problems_opened, problems_closed, changes_approved, reviews_closed",
    "days": "the length of the period in days",
}
COUNTS = (
    "deployments",
    "failed_deployments",
    "rolled_back_deployments",
    "emergency_deployments",
    "releases",
    "incidents",
    "problems_opened",
    "problems_closed",
    "changes_approved",
    "reviews_closed",
)
_SERIES = re.compile(r"""\bseries\s*(?:\.\s*([a-zA-Z_]\w*)|\[\s*["']([a-zA-Z_:][\w:]*)["']\s*\])""")
_COUNTS = re.compile(r"""\bcounts\s*(?:\.\s*([a-zA-Z_]\w*)|\[\s*["'](\w+)["']\s*\])""")


def series_in(formula: str) -> list[str]:
    """The names of series that the formula asks for, each once."""
    return list(dict.fromkeys(one or other for one, other in _SERIES.findall(formula)))


def unknown_counts(formula: str) -> list[str]:
    """Counts that it names and that there are not."""
    named = dict.fromkeys(one or other for one, other in _COUNTS.findall(formula))
    return [name for name in named if name not in COUNTS]


def met(value: float, target: float, direction: str) -> bool:
    """Whether the target is reached."""
    return value >= target if direction == "up" else value <= target
