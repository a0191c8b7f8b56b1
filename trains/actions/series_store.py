"""Putting points into series: series made as they come, points merged, roll-ups made anew from their whole hour."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.bulk import insert_many
from releasetrain.tenancy.scope import require_scope
from trains.models import Series, SeriesBlock, SeriesKind, SeriesSource
from trains.queries.series import policies, policy_of
from trains.rules.series import (
    COARSE,
    FINE,
    RAW,
    Block,
    merged,
    offset_in,
    replaced,
    rolled_up,
    start_of,
)

MOST_SERIES = 50_000
AHEAD = timedelta(minutes=5)
_COLUMNS = ("offsets", "values", "lows", "highs", "counts")
Labels = tuple[tuple[str, str], ...]
Stretch = tuple[uuid.UUID, int, datetime]


@dataclass(frozen=True)
class Identity:
    """What makes a series itself."""

    service_id: uuid.UUID | None
    environment_id: uuid.UUID | None
    name: str
    labels: Labels = ()


@dataclass(frozen=True)
class About:
    """What is said of a series when it is new."""

    kind: str = SeriesKind.GAUGE
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Stored:
    """What came of a batch."""

    series: int
    points: int
    fresh: int

    def as_json(self) -> dict[str, int]:
        return {
            "series": self.series,
            "points": self.points,
            "new": self.fresh,
            "known": self.points - self.fresh,
        }


Batch = Mapping[Identity, tuple[About, Sequence[tuple[datetime, float]]]]


def store(batch: Batch, source: SeriesSource | None = None, *, field: str = "series") -> Stored:
    """Put a batch in: a point again changes nothing, another value at the same moment corrects it."""
    _refuse_moments(batch, field)
    rows = _series(batch, source, field)
    fresh = 0
    by_hour: dict[Stretch, list[tuple[int, float]]] = defaultdict(list)
    for identity, (_, points) in batch.items():
        for moment, value in points:
            start = start_of(moment, RAW)
            by_hour[(rows[identity].pk, RAW, start)].append((offset_in(moment, start), value))
    counters = {row.pk for row in rows.values() if row.kind == SeriesKind.COUNTER}
    known = _known(by_hour)
    _refuse_closed(by_hour, known, {row.pk: row for row in rows.values()}, field)
    written: dict[Stretch, Block] = {}
    for stretch, points in by_hour.items():
        block, new = merged(_block(known.get(stretch)), points)
        written[stretch] = block
        fresh += new
        for step in (FINE, COARSE):
            series_id, _, start = stretch
            wide = (series_id, step, start_of(start, step))
            buckets = rolled_up(block, step, counter=series_id in counters)
            before = written.get(wide) or _block(known.get(wide))
            written[wide] = replaced(before, offset_in(start, wide[2]), buckets)
    _write(written, known)
    _note_last(rows, batch)
    return Stored(len(batch), sum(len(points) for _, points in batch.values()), fresh)


def _refuse_moments(batch: Batch, field: str) -> None:
    latest = now() + AHEAD
    keeping = policies()
    for identity, (_, points) in batch.items():
        oldest = now() - timedelta(days=policy_of(identity.name, keeping).coarse_days)
        for moment, _ in points:
            if moment > latest:
                refuse(
                    "series.future",
                    f"{identity.name}: {moment:%Y-%m-%d %H:%M} lies in the future.",
                    field=field,
                    status=422,
                )
            if moment < oldest:
                refuse(
                    "series.too_old",
                    f"{identity.name}: {moment:%Y-%m-%d %H:%M} lies before {oldest:%Y-%m-%d}; so old points are not kept.",
                    remedy="Post newer points, or keep this series longer by a policy.",
                    field=field,
                    status=422,
                )


def _refuse_closed(
    by_hour: Iterable[Stretch],
    known: Mapping[Stretch, SeriesBlock],
    rows: Mapping[uuid.UUID, Series],
    field: str,
) -> None:
    """An hour whose points are gone but whose roll-up stands cannot be added to: the roll-up would lose what it held."""
    for stretch in by_hour:
        series_id, _, start = stretch
        wide = known.get((series_id, COARSE, start_of(start, COARSE)))
        if stretch not in known and wide and offset_in(start, wide.starts_at) in wide.offsets:
            refuse(
                "series.closed",
                f"{rows[series_id].name}: the points of {start:%Y-%m-%d %H:%M} are rolled up and gone; that hour is closed.",
                remedy="Post corrections while points are kept as posted, or keep them longer by a policy.",
                field=field,
                status=422,
            )


def _series(batch: Batch, source: SeriesSource | None, field: str) -> dict[Identity, Series]:
    """The series of a batch, locked; those that are not there yet are made."""
    with connection.cursor() as cursor:
        # One writer of series at a time in an organization: two that meet would each merge into what it read.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))",
            [f"series:{require_scope().organization_id}"],
        )
    rows = _found(batch)
    missing = [identity for identity in batch if identity not in rows]
    if missing:
        there = Series.objects.count()
        if there + len(missing) > MOST_SERIES:
            refuse(
                "series.too_many",
                f"There are {there} series; {MOST_SERIES} may be.",
                remedy="Leave out labels that take ever new values, such as ids and addresses.",
                field=field,
                status=422,
            )
        insert_many([_new(identity, batch[identity][0], source) for identity in missing])
        rows = _found(batch)
    return rows


def _new(identity: Identity, about: About, source: SeriesSource | None) -> Series:
    return Series(
        service_id=identity.service_id,
        environment_id=identity.environment_id,
        name=identity.name,
        labels=dict(identity.labels),
        kind=about.kind,
        unit=about.unit,
        description=about.description,
        source=source,
    )


def _found(batch: Batch) -> dict[Identity, Series]:
    names = {identity.name for identity in batch}
    found = {}
    for row in Series.objects.filter(name__in=names):
        labels = tuple(sorted(row.labels.items()))
        identity = Identity(row.service_id, row.environment_id, row.name, labels)
        if identity in batch:
            found[identity] = row
    return found


def _known(by_hour: Iterable[Stretch]) -> dict[Stretch, SeriesBlock]:
    """The blocks that stand for these hours, as they came and rolled up."""
    wanted = {
        (series, step, start_of(start, step)) for series, _, start in by_hour for step in (RAW, FINE, COARSE)
    }
    if not wanted:
        return {}
    series_ids = {series for series, _, _ in wanted}
    rows = SeriesBlock.objects.filter(
        series_id__in=series_ids, starts_at__in={start for _, _, start in wanted}
    )
    found = {(row.series_id, row.step, row.starts_at): row for row in rows}
    return {stretch: found[stretch] for stretch in wanted if stretch in found}


def _block(row: SeriesBlock | None) -> Block:
    return Block(*([*getattr(row, name)] for name in _COLUMNS)) if row else Block()


def _write(written: Mapping[Stretch, Block], known: Mapping[Stretch, SeriesBlock]) -> None:
    fresh, changed = [], []
    for stretch, block in written.items():
        row = known.get(stretch)
        if row is None:
            row = SeriesBlock(series_id=stretch[0], step=stretch[1], starts_at=stretch[2])
            fresh.append(row)
        elif [getattr(row, name) for name in _COLUMNS] != [getattr(block, name) for name in _COLUMNS]:
            changed.append(row)
        for name in _COLUMNS:
            setattr(row, name, getattr(block, name))
    insert_many(fresh)
    for row in changed:
        row.save(update_fields=list(_COLUMNS))


def _note_last(rows: Mapping[Identity, Series], batch: Batch) -> None:
    changed = []
    for identity, (_, points) in batch.items():
        row, (last, value), first = rows[identity], max(points), min(points)[0]
        if row.last_at is None or last >= row.last_at:
            row.last_at, row.last_value = last, value
        row.first_at = min(first, row.first_at or first)
        changed.append(row)
    Series.objects.bulk_update(changed, ["first_at", "last_at", "last_value"], batch_size=500)
