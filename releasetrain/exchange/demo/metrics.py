"""The bank's metrics: declared changes, reports by mail, roll-ups of its past."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from metrics.actions.changes import declare_change
from metrics.actions.schedules import create_schedule
from metrics.models import DeclaredChange, ReportSchedule
from metrics.rolling import roll_up
from releasetrain.accounts.catalogue import Role

if TYPE_CHECKING:
    from .bank import Bank

CHANGES = (
    (150, "reorganisation", "Two teams formed", False, "No lasting effect on lead time."),
    (98, "improvement", "Contract tests", True, "Fewer changes that fail in production."),
    (30, "tool", "New build cluster", False, "Shorter lead time."),
)


def build_metrics(bank: Bank) -> None:
    """Declare what happened, schedule two reports, and roll the past up."""
    for back, kind, title, resets, expected in CHANGES:
        declare_change(
            bank.owner, title=title, kind=DeclaredChange.Kind(kind), happened_on=bank.today - timedelta(days=back),
            resets=resets, expected=expected,
        )  # fmt: skip
    for name, dashboard, every in (
        ("Health, monthly", "health", ReportSchedule.Every.MONTH),
        ("Delivery, quarterly", "delivery", ReportSchedule.Every.QUARTER),
    ):
        create_schedule(
            bank.owner, name=name, dashboard=dashboard, every=every,
            recipients=[bank.cast.user(Role.EXECUTIVE).email],
        )  # fmt: skip
    roll_up(most=200_000)
