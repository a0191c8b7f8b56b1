"""Timeline: spans over days or hours in rows (Gantt), with plan against fact, markers and the present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from releasetrain.interface import formats

from .drawing import CHARACTER, Chart, Drawing, Scale, room_for

ROW = 30


@dataclass(frozen=True)
class Span:
    """A bar: its row, from when to when (no `end`: still running), its tone, and its plan."""

    label: str
    start: datetime
    end: datetime | None
    tone: str = "info"
    word: str = ""
    planned: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Marker:
    """A moment on the timeline, e.g. a deployment or a freeze."""

    label: str
    at: datetime


def timeline_chart(
    title: str,
    spans: Sequence[Span],
    *,
    now: datetime | None = None,
    markers: Sequence[Marker] = (),
    width: int = 760,
) -> Chart:
    """Rows in the given order; spans with the same label share a row.

    Times are drawn in the zone they carry.
    """
    moments = [m for s in spans for m in (s.start, s.end or now or s.start, *(s.planned or ()))] + [
        m.at for m in markers
    ]
    drawing = Drawing(width, 40 + ROW * max(1, len({s.label for s in spans})))
    columns = ["What", "From", "To", "State"]
    if not moments:
        return Chart(title, "Nothing scheduled.", drawing, columns, [])
    first, last = min(moments), max(moments)
    reach = (last - first) or timedelta(hours=1)
    names = list(dict.fromkeys(s.label for s in spans))
    left = room_for(names, 60) + 8
    x = Scale(0, reach.total_seconds(), left, width - 12)

    def place(moment: datetime) -> float:
        return x((moment - first).total_seconds())

    bottom = 24 + ROW * len(names)
    for moment, text in _calendar(first, last, (width - left) / 80):
        drawing.line("grid", place(moment), 18, place(moment), bottom)
        drawing.text(place(moment), 12, text, anchor="start" if place(moment) < left + 20 else "middle")
    for i, name in enumerate(names):
        drawing.text(0, 24 + i * ROW + 19, name, room=left)
    for span in spans:
        y, end = 24 + names.index(span.label) * ROW, span.end or now or last
        if span.planned:
            begin, finish = place(span.planned[0]), place(span.planned[1])
            drawing.add(
                "rect",
                "bar planned",
                tip=f"{span.label}, planned",
                x=f"{begin:.1f}",
                y=y + 2,
                width=f"{max(2, finish - begin):.1f}",
                height=24,
                rx=3,
            )
        wide = max(3.0, place(end) - place(span.start))
        what = f"{span.label}: {span.word}" if span.word else span.label
        tip = f"{what}, {_moment(span.start)} to {_moment(end)}"
        drawing.add(
            "rect",
            f"bar {span.tone}",
            tip=tip,
            x=f"{place(span.start):.1f}",
            y=y + 6,
            width=f"{wide:.1f}",
            height=16,
            rx=3,
        )
        needed = len(span.word) * CHARACTER
        if span.word and place(span.start) + wide + needed + 8 < width:
            drawing.text(place(span.start) + wide + 5, y + 18, span.word)
    for marker in markers:
        drawing.line("event", place(marker.at), 18, place(marker.at), bottom)
        drawing.text(
            min(place(marker.at) + 3, width - len(marker.label) * CHARACTER), bottom + 12, marker.label
        )
    if now and first <= now <= last:
        drawing.line("now", place(now), 18, place(now), bottom)
    finding = f"{len(spans)} spans in {len(names)} rows from {_full(first)} to {_full(last)}."
    rows = [
        [
            s.label,
            _full(s.start),
            _full(s.end) if s.end else "running",
            s.word or s.tone,
        ]
        for s in spans
    ]
    return Chart(title, finding, drawing, columns, rows, css="chart wide")


def _moment(value: datetime) -> str:
    return f"{formats.short_day(value)} {formats.clock(value)}"


def _full(value: datetime) -> str:
    return f"{formats.full_day(value)} {formats.clock(value)}"


def _calendar(first: datetime, last: datetime, about: float) -> list[tuple[datetime, str]]:
    """Round moments for the axis: hours for short stretches, days or weeks for long ones."""
    hours = (last - first).total_seconds() / 3600
    step = next((h for h in (1, 2, 3, 6, 12, 24, 48, 168, 336, 672) if hours / h <= max(2.0, about)), 1344)
    moment = (
        first.replace(minute=0, second=0, microsecond=0)
        if step < 24
        else first.replace(hour=0, minute=0, second=0, microsecond=0)
    )
    while step < 24 and moment.hour % step:
        moment -= timedelta(hours=1)
    found = []
    while moment <= last:
        if moment >= first:
            found.append(
                (moment, formats.clock(moment) if step < 24 and moment.hour else formats.short_day(moment))
            )
        moment += timedelta(hours=step)
    return found
