"""Where higher apps plug into reviews: who knows how much of an error budget was burnt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trains.models import Service

# fn(service, since, until) -> percent of the budget burnt in between, or None where there is no objective.
BudgetSource = Callable[[Service, datetime, datetime], float | None]
_budgets: list[BudgetSource] = []


def error_budgets(source: BudgetSource) -> BudgetSource:
    """Register who knows the error budgets of services."""
    _budgets.append(source)
    return source


def budget_burnt(service: Service, since: datetime, until: datetime) -> float | None:
    """The most that any source says was burnt; None where nobody knows."""
    known = [found for source in _budgets if (found := source(service, since, until)) is not None]
    return max(known, default=None)
