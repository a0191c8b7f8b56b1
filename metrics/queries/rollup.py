"""Deliveries of a period put together from roll-ups; days that an event has touched since are computed anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, BigIntegerField, BinaryField, F, Q, QuerySet
from django.db.models.functions import TruncDate, TruncMonth, TruncWeek

from metrics.models import ServiceDay, ServiceSpan, Touched
from metrics.rules.periods import Bucket, days_of, floor_day, whole_buckets
from metrics.rules.rollup import COUNTS, TIMES, Cell, Rolled, cells_of
from releasetrain.kernel.lazy_numpy import np
from trains.models import Deployment, Service

from .dora import Rows, Wanted, production, rows_among, text_of

Pairs = set[tuple[str, date]]
_BUCKETS: dict[Bucket, Any] = {
    Bucket.DAY: F("day"),
    Bucket.WEEK: TruncWeek("day"),
    Bucket.MONTH: TruncMonth("day"),
}


class Total(Aggregate):
    """The sum of a group as the number that the database sends; Django would look at every one of them again."""

    function = "sum"
    template = "%(function)s(%(expressions)s)::bigint"
    output_field = BigIntegerField()
    convert_value = staticmethod(Aggregate._convert_value_noop)


class Joined(Aggregate):
    """All values of a group, one after the other."""

    function = "string_agg"
    template = "%(function)s(%(expressions)s, ''::bytea)"
    output_field = BinaryField()
    convert_value = staticmethod(Aggregate._convert_value_noop)


def touched_days(zone: str, first: date | None = None, last: date | None = None) -> Pairs:
    """The services and days whose roll-ups no longer tell the truth."""
    local = ZoneInfo(zone)
    noted = Touched.objects.all()
    if first is not None:
        noted = noted.filter(at__gte=datetime.combine(first, time(), local))
    if last is not None:
        noted = noted.filter(at__lt=datetime.combine(last + timedelta(days=1), time(), local))
    found = noted.annotate(local_day=TruncDate("at", tzinfo=local)).order_by()
    return set(found.values_list(text_of("service_id"), "local_day").distinct())


def rows_of_days(pairs: Pairs, zone: str) -> Rows:
    """The rows of these services and days, services by their ids."""
    local = ZoneInfo(zone)
    first, last = min(day for _, day in pairs), max(day for _, day in pairs)
    near = Deployment.objects.filter(
        environment_id__in=production(),
        service_id__in={service for service, _ in pairs},
        finished_at__gte=datetime.combine(first, time(), local),
        finished_at__lt=datetime.combine(last + timedelta(days=1), time(), local),
    ).order_by()
    ids = [
        pk
        for pk, service, at in near.values_list("id", text_of("service_id"), "finished_at")
        if (service, at.astimezone(local).date()) in pairs
    ]
    return rows_among(Deployment.objects.filter(pk__in=ids).order_by(), text_of("service_id"))


def live_cells(pairs: Pairs, zone: str) -> list[Cell]:
    """The cells of these services and days as the rows say now."""
    if not pairs:
        return []
    rows = rows_of_days(pairs, zone)
    return cells_of(rows.log, rows.changes, rows.links, zone)


def services_of(wanted: Wanted) -> QuerySet[Service]:
    """The services that are asked for."""
    named = {"train_id": wanted.train, "team_id": wanted.team, "id": wanted.service}
    return Service.objects.filter(**{column: value for column, value in named.items() if value})


def rolled(
    wanted: Wanted,
    first: date,
    last: date,
    zone: str,
    bucket: Bucket,
    times: Sequence[str] = TIMES,
    counts: Sequence[str] = COUNTS,
) -> Rolled:
    """Everything delivered from the first to the last day, by service, bucket and purpose (a handful of queries).

    Whole weeks and months are read as such, other days one by one, and what an event has touched since is computed anew.
    Only the named times and counts are read: putting together the others of years takes longer than the page.
    """
    touched = touched_days(zone, first, last)
    chosen: dict[str, Any] = {}
    if wanted.train or wanted.team or wanted.service:
        services = services_of(wanted)
        chosen = {"service__in": services}
        mine = set(services.values_list(text_of("id"), flat=True)) if touched else set()
        touched = {pair for pair in touched if pair[0] in mine}
    days = ServiceDay.objects.filter(day__gte=first, day__lte=last, **chosen).order_by()
    kept: list[Any] = []
    whole = whole_buckets(first, last, bucket) if bucket is not Bucket.DAY else None
    if whole:
        start, end = whole
        spans = ServiceSpan.objects.filter(
            length=bucket.value, day__gte=start, day__lte=end, **chosen
        ).order_by()
        apart = Q(day__lt=start) | Q(day__gt=end)
        if touched:
            broken = {(service, floor_day(day, bucket)) for service, day in touched}
            spans = spans.exclude(_any_of(broken))
            # The other days of a week that is touched count still.
            apart |= _any_of({(s, day) for s, of in broken for day in days_of(of, bucket)})
        kept += spans.values_list(text_of("service_id"), "day", "purpose", *counts, *times)
        days = days.filter(apart)
    if whole != (first, last) or touched:
        if touched:
            days = days.exclude(_any_of(touched))
        kept += (
            days.annotate(slot=_BUCKETS[bucket])
            .values_list(text_of("service_id"), "slot", "purpose")
            .annotate(
                **{f"{name}_in_all": Total(name) for name in counts},
                **{f"{name}_joined": Joined(name) for name in times},
            )
        )
    width = len(counts)
    live = live_cells(touched, zone)
    columns: dict[str, Any] = {
        name: np.array([row[3 + at] for row in kept] + [cell.counts[name] for cell in live], dtype=np.int64)
        for at, name in enumerate(counts)
    }
    return Rolled(
        [*(row[0] for row in kept), *(cell.service for cell in live)],
        [floor_day(day, bucket) for day in (*(row[1] for row in kept), *(cell.day for cell in live))],
        [*(row[2] for row in kept), *(cell.purpose for cell in live)],
        columns,
        {
            name: [*(row[3 + width + at] for row in kept), *(cell.times[name] for cell in live)]
            for at, name in enumerate(times)
        },
    )


def _any_of(pairs: Pairs) -> Q:
    """These services on these days."""
    days: dict[str, list[date]] = defaultdict(list)
    for service, day in pairs:
        days[service].append(day)
    return reduce(or_, (Q(service_id=service, day__in=listed) for service, listed in days.items()))


def groups_of(services: Iterable[str], by: str) -> Mapping[str, str]:
    """The name of each service's group: itself, its team or its train."""
    column = {"service": "name", "team": "team__code", "train": "train__key"}[by]
    found = Service.objects.filter(pk__in=set(services)).values_list(text_of("id"), column)
    return {service: name or "" for service, name in found}
