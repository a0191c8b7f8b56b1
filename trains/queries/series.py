"""Reading time series: any number of names, periods and labels in two queries.

    readings = values(service, ["http_errors_total"], start, end, labels={"track": "canary"})
    numbers(readings["http_errors_total"])

Counters are read as increases per second. The step follows from the period and from what is still kept: points as
they came, else five minutes, else an hour.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from releasetrain.kernel.clock import now
from trains.models import Environment, Series, SeriesBlock, SeriesKind, SeriesPolicy, Service
from trains.rules.series import COARSE, FINE, RAW, STRETCHES, increases, start_of

# Up to so long a period is read as it came, up to so long by five minutes.
_RAW_UP_TO, _FINE_UP_TO = timedelta(days=2), timedelta(days=14)
# A counter's first increase in a period starts from the last point before it, if that is no older.
_LOOK_BACK = {RAW: timedelta(minutes=10), FINE: timedelta(minutes=10), COARSE: timedelta(hours=2)}


@dataclass(frozen=True)
class Ask:
    """One question: names of one service (None: of the organization) in a period, whose labels contain these."""

    service: Service | uuid.UUID | None
    names: tuple[str, ...]
    start: datetime
    end: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Environment | None = None
    step: int | None = None

    @property
    def service_id(self) -> uuid.UUID | None:
        return self.service.pk if isinstance(self.service, Service) else self.service


@dataclass(frozen=True)
class Reading:
    """The points of one series in a period.

    Of a gauge the values (of a roll-up their means, with lows, highs and how many there were); of a counter the increase per
    second since the point before, and the increases themselves. `step` 0: the points as they came.
    """

    series: Series
    step: int
    moments: list[datetime]
    values: list[float]
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    grown: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.series.name

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.series.labels)

    @property
    def increase(self) -> float:
        """What a counter counted in the period."""
        return sum(self.grown)


def values(
    service: Service | None,
    names: Iterable[str],
    start: datetime,
    end: datetime,
    *,
    labels: Mapping[str, str] | None = None,
    environment: Environment | None = None,
    step: int | None = None,
) -> dict[str, list[Reading]]:
    """The readings of each name, a reading for each series that has points; two queries however many names."""
    ask = Ask(service, tuple(dict.fromkeys(names)), start, end, dict(labels or {}), environment, step)
    return many([ask])[0]


def many(asks: Sequence[Ask]) -> list[dict[str, list[Reading]]]:
    """The answers to many questions in their order, in three queries however many there are."""
    if not asks:
        return []
    keeping = policies()
    steps = [ask.step if ask.step is not None else step_for(ask.start, ask.end, keeping) for ask in asks]
    wanted = Q()
    for service, names in {(ask.service_id, ask.names) for ask in asks}:
        wanted |= Q(service_id=service, name__in=names)
    rows = list(Series.objects.filter(wanted).order_by("name", "pk"))
    chosen = [[row for row in rows if _answers(row, ask)] for ask in asks]
    blocks = _blocks(asks, steps, chosen)
    answers = []
    for ask, step, series in zip(asks, steps, chosen, strict=True):
        answer: dict[str, list[Reading]] = {name: [] for name in ask.names}
        for each in series:
            reading = _reading(each, step, blocks.get((each.pk, step), []), ask.start, ask.end)
            if reading.moments:
                answer[each.name].append(reading)
        answers.append(answer)
    return answers


def numbers(readings: Iterable[Reading]) -> list[float]:
    """All values of some readings in the order of time: a sample for a test."""
    points = [point for reading in readings for point in zip(reading.moments, reading.values, strict=True)]
    return [value for _, value in sorted(points, key=lambda point: point[0])]


def step_for(start: datetime, end: datetime, keeping: Sequence[SeriesPolicy] | None = None) -> int:
    """The finest step that is kept for the whole period and gives no more points than a reader can use."""
    shortest = min(
        (policy for policy in (policies() if keeping is None else keeping)), key=lambda p: p.raw_days
    )
    age, length = now() - start, end - start
    if length <= _RAW_UP_TO and age <= timedelta(days=shortest.raw_days):
        return RAW
    fine_days = min(policy.fine_days for policy in (keeping or [shortest]))
    return FINE if length <= _FINE_UP_TO and age <= timedelta(days=fine_days) else COARSE


def policies() -> list[SeriesPolicy]:
    """The policies of the organization, the one for all others last; without any, how it is done by default."""
    rows = sorted(SeriesPolicy.objects.all(), key=lambda policy: -len(policy.beginning))
    return rows if any(not row.beginning for row in rows) else [*rows, SeriesPolicy()]


def policy_of(name: str, keeping: Sequence[SeriesPolicy]) -> SeriesPolicy:
    """The policy whose beginning is the longest that fits the name."""
    return next(policy for policy in keeping if name.startswith(policy.beginning))


def _answers(row: Series, ask: Ask) -> bool:
    return (
        row.service_id == ask.service_id
        and row.name in ask.names
        and (ask.environment is None or row.environment_id == ask.environment.pk)
        and all(row.labels.get(key) == value for key, value in ask.labels.items())
    )


def _blocks(
    asks: Sequence[Ask], steps: Sequence[int], chosen: Sequence[Sequence[Series]]
) -> dict[tuple[uuid.UUID, int], list[SeriesBlock]]:
    """The blocks of all questions by series and step, in order."""
    wanted = Q(pk__in=[])
    for ask, step, series in zip(asks, steps, chosen, strict=True):
        if series:
            wanted |= Q(
                series_id__in=[each.pk for each in series],
                step=step,
                starts_at__gte=start_of(ask.start - _LOOK_BACK[step], step),
                starts_at__lte=ask.end,
            )
    found: dict[tuple[uuid.UUID, int], dict[uuid.UUID, SeriesBlock]] = defaultdict(dict)
    if any(chosen):
        for block in SeriesBlock.objects.filter(wanted).order_by("starts_at"):
            found[(block.series_id, block.step)][block.pk] = block
    return {key: list(blocks.values()) for key, blocks in found.items()}


def _reading(
    series: Series, step: int, blocks: Sequence[SeriesBlock], start: datetime, end: datetime
) -> Reading:
    moments, found, lows, highs, counts = [], [], [], [], []
    counter = series.kind == SeriesKind.COUNTER
    since = start - _LOOK_BACK[step] if counter else start
    for block in blocks:
        if block.starts_at + STRETCHES[step] <= since or block.starts_at > end:
            continue
        for index, offset in enumerate(block.offsets):
            moment = block.starts_at + timedelta(milliseconds=offset)
            if since <= moment < end:
                moments.append(moment)
                found.append(block.values[index])
                if step:
                    lows.append(block.lows[index])
                    highs.append(block.highs[index])
                    counts.append(block.counts[index])
    if not counter:
        return Reading(series, step, moments, found, lows, highs, counts)
    steps = [
        (moment, grown / seconds, grown)
        for moment, (_, seconds, grown) in zip(
            moments[1:], increases([m.timestamp() for m in moments], found), strict=True
        )
        if moment >= start
    ]
    return Reading(
        series, step, [m for m, _, _ in steps], [rate for _, rate, _ in steps], grown=[g for _, _, g in steps]
    )
