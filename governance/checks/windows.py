"""The check of recurring windows: no maintenance of the environment now, and services that have windows are in one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from trains.models import RecurringWindow
from trains.queries.windows import recurrence_of
from trains.rules.intervals import Interval
from trains.rules.recurrence import occurrences

from .context import CheckContext
from .registry import Outcome, check, failed, passed

_Kind = RecurringWindow.Kind
# A window that comes once a year is found, and the longest one that has begun is not missed.
_AHEAD, _BEHIND = timedelta(days=400), timedelta(days=8)


@check(
    "service-windows",
    title="Maintenance and deployment windows",
    words="The environment is not under maintenance, and every service that has windows of its own is in one.",
    max_age_hours=1,
)
def service_windows(ctx: CheckContext) -> Outcome:
    """Maintenance windows of the environment, and the deployment windows that services keep, at the moment of asking."""
    services = {s.pk: s for s in ctx.services}
    rows = RecurringWindow.objects.filter(
        Q(kind=_Kind.MAINTENANCE, environment=ctx.environment)
        | Q(kind=_Kind.DEPLOYMENT, service__in=list(services)),
        retired_at__isnull=True,
    ).order_by("name", "id")
    found = [(w, occurrences(recurrence_of(w), ctx.at - _BEHIND, ctx.at + _AHEAD)) for w in rows]
    now_ = {w.pk: _holding(times, ctx.at) for w, times in found}
    facts: dict[str, Any] = {"windows": sorted([str(w.pk), now_[w.pk] is not None] for w, _ in found)}
    edges = [m for _, times in found for i in times for m in (i.starts, i.ends) if m > ctx.at]
    until = min(edges, default=None)
    for window, _ in found:
        interval = now_[window.pk]
        if window.kind == _Kind.MAINTENANCE and interval is not None:
            return failed(
                f"{ctx.environment} is under maintenance until {interval.ends:%Y-%m-%d %H:%M} UTC: {window}.",
                "Start when the maintenance is over.",
                evidence=[window],
                facts=facts,
                valid_until=until,
            )
    for pk, service in services.items():
        own = [(w, times) for w, times in found if w.service_id == pk]
        if own and not any(now_[w.pk] for w, _ in own):
            ahead = min((i.starts for _, times in own for i in times if i.starts > ctx.at), default=None)
            when = f"the next begins {ahead:%Y-%m-%d %H:%M} UTC" if ahead else "none is ahead"
            return failed(
                f"{service} is deployed in its own windows only; {when}.",
                f"Start in {own[0][0]}.",
                evidence=[w for w, _ in own],
                facts=facts,
                valid_until=until,
            )
    return passed(f"No window stands in the way in {ctx.environment}.", facts=facts, valid_until=until)


def _holding(times: list[Interval], at: datetime) -> Interval | None:
    """The occurrence that the moment lies in."""
    return next((i for i in times if i.starts <= at < i.ends), None)
