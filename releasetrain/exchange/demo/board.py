"""The board of Northwind Bank: what another train owes, and a screen on the wall."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from planning.actions.wall_links import create_wall_link
from trains.actions.train_dependencies import create_train_dependency


def build_board(bank: Any) -> None:
    """Through the ordinary actions, by the people whose job it is."""
    create_train_dependency(
        bank.rte,
        provider=bank.lending,
        consumer=bank.payments,
        what="Credit limit API",
        needed_by=bank.today + timedelta(days=18),
    )
    create_wall_link(bank.rte, train=bank.payments, name="Payments floor")
