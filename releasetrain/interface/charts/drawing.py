"""The drawing surface of all charts: shapes, scales, ticks and the two ways of writing them out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from releasetrain.interface.wording import told

from .palette import attributes_of

CHARACTER = 6.6  # mean width of a character of the 12 px chart type
Number = int | float
# Words that charts put beside names and numbers; what else they say are texts of whoever has them drawn.
WORDS = (
    "Count", "Dimension", "From", "Item", "Of", "Period", "Point", "Range", "Rate", "State", "To", "Total", "Value",
    "What", "done", "forecast", "high", "in a run", "low", "lower", "mean", "no data", "no signals", "outside the limits",
    "planned", "running", "scope", "to", "upper",
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """One element: tag, class, attributes, text content with the room it has (0: any), and the tip shown on hover."""

    tag: str
    css: str
    attributes: dict[str, Any]
    text: str = ""
    tip: str = ""
    room: float = 0


def plain(value: Number) -> str:
    """A coordinate or tick as short text."""
    return f"{round(value, 1):g}" if abs(value) < 1e6 else f"{value:.0f}"


def said(value: Number | None, places: int = 1) -> str:
    """A value in a sentence or table; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:,.{places}f}".rstrip("0").rstrip(".") if places else f"{value:,.0f}"
    return text.replace(",", "\u202f").replace("-", "−") or "0"


@dataclass
class Drawing:
    """Shapes on a surface of `width` by `height` units."""

    width: int
    height: int
    shapes: list[Shape] = field(default_factory=list)

    def add(self, tag: str, css: str = "", text: str = "", tip: str = "", **attributes: Any) -> None:
        fixed = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        self.shapes.append(Shape(tag, css, fixed, text, tip))

    def line(self, css: str, x1: Number, y1: Number, x2: Number, y2: Number) -> None:
        self.add("line", css, x1=plain(x1), y1=plain(y1), x2=plain(x2), y2=plain(y2))

    def text(self, x: Number, y: Number, text: str, css: str = "", anchor: str = "", room: float = 0) -> None:
        more = {"text-anchor": anchor} if anchor else {}
        self.shapes.append(Shape("text", css, {"x": plain(x), "y": plain(y), **more}, text, room=room))

    def path(
        self, css: str, points: Sequence[tuple[Number, Number]], *, closed: bool = False, tip: str = ""
    ) -> None:
        at = " ".join(f"{plain(x)},{plain(y)}" for x, y in points)
        self.add("polygon" if closed else "polyline", css, tip=tip, points=at)


@dataclass(frozen=True)
class Chart:
    """A drawn chart with its words and its table."""

    title: str
    finding: str
    drawing: Drawing
    columns: list[str]
    rows: list[list[str]]
    signals: list[str] = field(default_factory=list)
    css: str = "chart"

    @property
    def svg(self) -> SafeString:
        """For pages: colours come from the style sheet."""
        return mark_safe(self._write(standalone=False))  # noqa: S308 - every text in it was escaped by _write

    @property
    def standalone(self) -> str:
        """For documents: every colour written out, nothing to load."""
        return self._write(standalone=True)

    def as_table(self) -> tuple[list[str], list[list[str]]]:
        return self.columns, self.rows

    def _write(self, *, standalone: bool) -> str:
        # Pages are in the language of whoever reads; documents are the same for all.
        say = str if standalone else told
        title, finding = say(self.title), say(self.finding)
        inside = "".join(_write_shape(shape, standalone) for shape in self.drawing.shapes)
        mark = "c" + hashlib.sha256((title + finding + inside).encode()).hexdigest()[:10]
        box = f'viewBox="0 0 {self.drawing.width} {self.drawing.height}"'
        if standalone:
            size = f'width="{self.drawing.width}" height="{self.drawing.height}"'
            font = 'font-family="Inter, sans-serif" font-size="12"'
            head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} {font}'
        else:
            head = f'<svg class="{self.css}" {box}'
        return (
            f'{head} role="img" aria-labelledby="{mark}-t {mark}-d">'
            f'<title id="{mark}-t">{escape(title)}</title>'
            f'<desc id="{mark}-d">{escape(finding)}</desc>{inside}</svg>'
        )


def _write_shape(shape: Shape, standalone: bool) -> str:
    attributes = dict(shape.attributes)
    if standalone:
        attributes = {**attributes_of(shape.tag, shape.css), **attributes}
    elif shape.css:
        attributes = {"class": shape.css, **attributes}
    written = "".join(f' {name}="{escape(str(value), quote=True)}"' for name, value in attributes.items())
    say = str if standalone else told
    tip = f"<title>{escape(say(shape.tip))}</title>" if shape.tip else ""
    text = cut(say(shape.text), shape.room) if shape.room else say(shape.text)
    inner = tip + escape(text)
    return f"<{shape.tag}{written}>{inner}</{shape.tag}>" if inner else f"<{shape.tag}{written}/>"


@dataclass(frozen=True)
class Scale:
    """Maps values to coordinates, both ends included; a flat domain maps to the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Number) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def round_step(reach: float, count: int) -> float:
    """The round step that divides `reach` into about `count` parts: 1, 2, 2.5 or 5 times a power of ten."""
    rough = reach / max(1, count)
    power: float = 10 ** math.floor(math.log10(rough))
    return next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999), 10 * power)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values between low and high, about `count` of them."""
    if high <= low:
        return [low]
    step = round_step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]


def room_for(labels: Sequence[str], least: float = 0, most: float = 190) -> float:
    """The width that the longest label needs."""
    longest = max((len(told(label)) for label in labels), default=0)
    return min(most, max(least, longest * CHARACTER + 8))


def cut(label: str, width: float) -> str:
    """The label, shortened to fit."""
    fits = max(3, int(width / CHARACTER))
    return label if len(label) <= fits else label[: fits - 1].rstrip() + "…"


@dataclass(frozen=True)
class Plot:
    """The inner area of a chart with values up and positions across."""

    drawing: Drawing
    left: float
    right: float
    top: float
    bottom: float
    x: Scale
    y: Scale

    @classmethod
    def of(
        cls,
        drawing: Drawing,
        count: int,
        low: float,
        high: float,
        *,
        right: float = 16,
        unit_room: float = 38,
    ) -> Plot:
        left, far, top, bottom = unit_room, drawing.width - right, 14, drawing.height - 26
        return cls(
            drawing,
            left,
            far,
            top,
            bottom,
            Scale(0, max(1, count - 1), left, far),
            Scale(low, high, bottom, top),
        )

    def grid(self, count: int = 5) -> None:
        for value in ticks(self.y.low, self.y.high, count):
            at = self.y(value)
            self.drawing.line("grid", self.left, at, self.right, at)
            self.drawing.text(self.left - 6, at + 4, plain(value), anchor="end")

    def names(self, labels: Sequence[str]) -> None:
        """Labels along the bottom, as many as fit without touching."""
        if not labels:
            return
        wide = max(len(told(label)) for label in labels) * CHARACTER + 16
        every = max(1, math.ceil(len(labels) * wide / max(1.0, self.right - self.left)))
        for index in range(0, len(labels), every):
            self.drawing.text(self.x(index), self.bottom + 17, labels[index], anchor="middle")


def direct_labels(plot: Plot, wanted: Sequence[tuple[float, str, str]], gap: float = 14) -> None:
    """Names at the right end of lines, moved apart where they would overlap: (coordinate, text, class)."""
    placed: list[float] = []
    for at, _, _ in sorted(wanted):
        spot = max(at, placed[-1] + gap) if placed else at
        placed.append(spot)
    overflow = max(0.0, placed[-1] - plot.bottom) if placed else 0.0
    for (_, text, css), spot in zip(sorted(wanted), placed, strict=True):
        plot.drawing.text(plot.right + 6, max(plot.top + 4, spot - overflow) + 4, text, css)
