"""Points of time series in blocks: merging, rolling up, and what a counter counted.

A block holds one stretch of time of one series, its points in order. Points as they came lie in blocks of an hour;
roll-ups to five minutes and to an hour are made again from the whole hour whenever one of its points comes or changes,
so that late and corrected points need no care of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

RAW, FINE, COARSE = 0, 300, 3600
# How long the stretch of a block is, by the step of its points; offsets in milliseconds fit into four bytes.
STRETCHES = {RAW: timedelta(hours=1), FINE: timedelta(days=1), COARSE: timedelta(days=7)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_MS = 3_600_000


@dataclass
class Block:
    """Points of one stretch: offsets in milliseconds from its start, in order.

    A roll-up's value is the mean (of a counter: the last value); lows, highs and counts are its own.
    """

    offsets: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Bucket:
    """One point of a roll-up."""

    offset: int
    value: float
    low: float
    high: float
    count: int


def start_of(moment: datetime, step: int) -> datetime:
    """The start of the stretch that a moment lies in."""
    stretch = STRETCHES[step]
    return _EPOCH + (moment - _EPOCH) // stretch * stretch


def offset_in(moment: datetime, start: datetime) -> int:
    return (moment - start) // timedelta(milliseconds=1)


def merged(block: Block, points: Iterable[tuple[int, float]]) -> tuple[Block, int]:
    """The block of raw points with others put in; a point at the same millisecond is corrected. And how many are new."""
    known = dict(zip(block.offsets, block.values, strict=True))
    before = len(known)
    known.update(points)
    offsets = sorted(known)
    return Block(offsets, [known[offset] for offset in offsets]), len(known) - before


def rolled_up(hour: Block, step: int, *, counter: bool) -> list[Bucket]:
    """The buckets of one hour of raw points; offsets are the starts of buckets within the hour."""
    width = step * 1000
    buckets: dict[int, list[float]] = {}
    for offset, value in zip(hour.offsets, hour.values, strict=True):
        buckets.setdefault(offset // width * width, []).append(value)
    return [
        Bucket(
            offset,
            values[-1] if counter else math.fsum(values) / len(values),
            min(values),
            max(values),
            len(values),
        )
        for offset, values in sorted(buckets.items())
    ]


def replaced(block: Block, start: int, buckets: Sequence[Bucket]) -> Block:
    """The block of a roll-up with the buckets of one hour (which begins `start` milliseconds into it) made anew."""
    kept = [
        Bucket(*point)
        for point in zip(block.offsets, block.values, block.lows, block.highs, block.counts, strict=True)
        if not start <= point[0] < start + _HOUR_MS
    ]
    fresh = [Bucket(start + b.offset, b.value, b.low, b.high, b.count) for b in buckets]
    points = sorted([*kept, *fresh], key=lambda bucket: bucket.offset)
    return Block(
        [p.offset for p in points],
        [p.value for p in points],
        [p.low for p in points],
        [p.high for p in points],
        [p.count for p in points],
    )


def increases(moments: Sequence[float], values: Sequence[float]) -> list[tuple[float, float, float]]:
    """What a counter counted from each point to the next: (moment, seconds since the last, increase).

    A counter that fell was started anew, from zero, as Prometheus has it.
    """
    found = []
    for index in range(1, len(values)):
        gone = moments[index] - moments[index - 1]
        grown = values[index] - values[index - 1]
        if gone > 0:
            found.append((moments[index], gone, grown if grown >= 0 else values[index]))
    return found
