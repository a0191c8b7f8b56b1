"""The board of Northwind Bank: a risk on a string, what another train owes, a screen on the wall."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from planning.actions.dependencies import flag_dependency
from planning.actions.wall_links import create_wall_link
from planning.models import FeatureDependency
from trains.actions.train_dependencies import create_train_dependency


def build_board(bank: Any) -> None:
    """Through the ordinary actions, by the people whose job it is."""
    ahead = FeatureDependency.objects.filter(
        state="accepted", consumer__pi=bank.pi, consumer__state="planned", provider__state="planned"
    )
    first = ahead.order_by("created_at", "id").first()
    if first is not None:
        flag_dependency(bank.rte, first, reason="The contract of the interface is not signed yet.")
    create_train_dependency(
        bank.rte,
        provider=bank.lending,
        consumer=bank.payments,
        what="Credit limit API",
        needed_by=bank.today + timedelta(days=18),
    )
    create_wall_link(bank.rte, train=bank.payments, name="Payments floor")
