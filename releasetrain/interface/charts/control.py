"""Control charts: single values (XmR), shares (p) and counts (u). Shapes, not only colours, mark the signals."""

from __future__ import annotations

from collections.abc import Sequence

from . import limits
from .drawing import CHARACTER, Chart, Drawing, Plot, cut, direct_labels, said
from .run_rules import Signal, Standard

EVENT_ROWS, EVENT_WIDTH = 3, 170
WIDE = 700
# Unless others are asked for: a point beyond the limits, and eight in a row on one side.
USUAL = (Standard.WESTERN_ELECTRIC, (1, 4))


def control_chart(
    title: str,
    points: Sequence[tuple[str, float]],
    *,
    unit: str = "",
    baseline: int = 20,
    least: int | None = None,
    changes: Sequence[int] = (),
    standard: Standard | str = USUAL[0],
    rules: Sequence[int] | None = USUAL[1],
    events: Sequence[tuple[int, str]] = (),
    floor: float | None = 0.0,
    width: int = 560,
    height: int = 210,
) -> Chart:
    """An XmR chart; its limits come from the first `baseline` points, and anew from each of the declared `changes`.

    With fewer than `least` points (the baseline) in the first stretch it shows the run alone.
    """
    values = [float(p[1]) for p in points]
    first = _first(len(values), baseline, least, changes)
    fitted = limits.xmr(values, baseline=(0, first), changes=changes, floor=floor) if first else None
    drawn = _Drawn(title, [p[0] for p in points], [*values], unit, width, height)
    chart = drawn.chart(
        fitted, list(range(len(values))), events, standard, rules, floor=floor, needs=baseline
    )
    rows = [[label, said(value, 2)] for label, value in points]
    return Chart(title, chart[0], drawn.drawing, ["Period", unit or "Value"], rows, chart[1], css=_css(width))


def p_chart(
    title: str,
    points: Sequence[tuple[str, int, int]],
    *,
    baseline: int = 20,
    least: int | None = None,
    changes: Sequence[int] = (),
    standard: Standard | str = USUAL[0],
    rules: Sequence[int] | None = USUAL[1],
    events: Sequence[tuple[int, str]] = (),
    width: int = 560,
    height: int = 210,
) -> Chart:
    """Shares of changing totals (label, count, total): the limits of each point follow its own total."""
    return _attribute_chart(
        title, points, baseline, least, changes, standard, rules, events, width=width, height=height, unit="%"
    )


def u_chart(
    title: str,
    points: Sequence[tuple[str, int, float]],
    *,
    unit: str = "",
    baseline: int = 20,
    least: int | None = None,
    changes: Sequence[int] = (),
    standard: Standard | str = USUAL[0],
    rules: Sequence[int] | None = USUAL[1],
    events: Sequence[tuple[int, str]] = (),
    width: int = 560,
    height: int = 210,
) -> Chart:
    """Counts per unit of a changing exposure (label, count, exposure): incidents per deployment, defects per week."""
    return _attribute_chart(
        title,
        points,
        baseline,
        least,
        changes,
        standard,
        rules,
        events,
        width=width,
        height=height,
        unit=unit,
    )


def _attribute_chart(
    title: str,
    points: Sequence[tuple[str, int, float]],
    baseline: int,
    least: int | None,
    changes: Sequence[int],
    standard: Standard | str,
    rules: Sequence[int] | None,
    events: Sequence[tuple[int, str]],
    *,
    width: int,
    height: int,
    unit: str,
) -> Chart:
    """A p chart in percent, else a u chart; a point without cases is a gap."""
    scale = 100.0 if unit == "%" else 1.0
    cased = [at for at, (_, _, total) in enumerate(points) if total]
    place = {at: n for n, at in enumerate(cased)}
    moved = sorted({min((place[at] for at in cased if at >= change), default=0) for change in changes} - {0})
    first = _first(len(cased), baseline if len(points) >= baseline else len(points) + 1, least, moved)
    counts, totals = [points[at][1] for at in cased], [points[at][2] for at in cased]
    fitted = None
    if first:
        fit = limits.p_chart if unit == "%" else limits.u_chart
        fitted = fit(counts, totals, baseline=(0, first), changes=moved)  # type: ignore[arg-type]
    shares = [scale * count / total if total else None for _, count, total in points]
    drawn = _Drawn(title, [p[0] for p in points], shares, unit, width, height)
    finding, found = drawn.chart(
        fitted, cased, events, standard, rules, floor=0.0, scale=scale, needs=baseline,
        cases=f" ({sum(totals[:first]):g} cases)" if unit == "%" else "",
    )  # fmt: skip
    places = 2 if scale == 1 else 1
    rows = [
        [label, str(count), said(total), said(share, places)]
        for (label, count, total), share in zip(points, shares, strict=True)
    ]
    return Chart(
        title, finding, drawn.drawing, ["Period", "Count", "Of", unit or "Rate"], rows, found, css=_css(width)
    )


def _css(width: int) -> str:
    return "chart wide" if width > WIDE else "chart"


def _first(size: int, baseline: int, least: int | None, changes: Sequence[int]) -> int:
    """How many points set the first limits; 0 when there are too few."""
    stretch = min([size, *(at for at in changes if at > 0)])
    return min(baseline, stretch) if stretch >= (baseline if least is None else least) and stretch > 1 else 0


class _Drawn:
    """One control chart being drawn: values (None is a gap), limits by stretch, signals as shapes and sentences."""

    def __init__(
        self,
        title: str,
        labels: Sequence[str],
        values: Sequence[float | None],
        unit: str,
        width: int,
        height: int,
    ):
        self.title, self.labels, self.values, self.unit = title, labels, values, unit
        self.drawing = Drawing(width, height)

    def chart(
        self,
        fitted: limits.Chart | None,
        at: Sequence[int],
        events: Sequence[tuple[int, str]],
        standard: Standard | str,
        rules: Sequence[int] | None,
        *,
        floor: float | None,
        scale: float = 1.0,
        needs: int,
        cases: str = "",
    ) -> tuple[str, list[str]]:
        """Draw it all; `at` is the place of each fitted point among the labels. Returns finding and signals."""
        usable = fitted is not None and any(each.usable for each in fitted.limits)
        edges = [scale * v for v in (*fitted.upper, *fitted.lower)] if fitted is not None and usable else []
        high, low = _extent([v for v in self.values if v is not None] + edges, floor)
        if self.unit == "%":
            high = min(100.0, high)
        plot = Plot.of(self.drawing, len(self.labels), low, high, right=84 if usable else 20)
        plot.grid()
        plot.names(self.labels)
        _events(plot, events)
        if fitted is not None and usable:
            self._limits(plot, fitted, at, scale, floor)
        for part in unbroken(
            [None if v is None else (plot.x(i), plot.y(v)) for i, v in enumerate(self.values)]
        ):
            self.drawing.path("line", part)
        signals = fitted.signals(standard, rules) if fitted is not None else ()
        found = self._points(plot, fitted, at, scale, signals)
        return self._finding(fitted, at, scale, found, needs, cases), found

    def _limits(
        self, plot: Plot, fitted: limits.Chart, at: Sequence[int], scale: float, floor: float | None
    ) -> None:
        names: list[tuple[float, str, str]] = []
        for start, end in _ranges(fitted):
            if not next(each for each in fitted.limits if each.start == start).usable:
                continue
            inside = range(start, end)
            for css, side in (("limit", fitted.upper), ("limit", fitted.lower), ("mean", fitted.center)):
                values = [scale * side[n] for n in inside]
                if (
                    css == "limit"
                    and side is fitted.lower
                    and floor is not None
                    and not any(v > floor for v in values)
                ):
                    continue
                self.drawing.path(
                    css, _stairs(plot, [(at[n], v) for n, v in zip(inside, values, strict=True)])
                )
            last = end - 1
            names = [(plot.y(scale * fitted.upper[last]), f"upper {self._said(scale * fitted.upper[last])}", ""),
                     (plot.y(scale * fitted.center[last]), f"mean {self._said(scale * fitted.center[last])}", "")]  # fmt: skip
            if floor is None or fitted.lower[last] * scale > floor:
                names.append(
                    (
                        plot.y(scale * fitted.lower[last]),
                        f"lower {self._said(scale * fitted.lower[last])}",
                        "",
                    )
                )
        direct_labels(plot, names)

    def _said(self, value: float) -> str:
        return f"{said(value)} %" if self.unit == "%" else said(value)

    def _points(
        self,
        plot: Plot,
        fitted: limits.Chart | None,
        at: Sequence[int],
        scale: float,
        signals: Sequence[Signal],
    ) -> list[str]:
        """Draw the points by what they are, and say the signals as sentences."""
        outside = {at[s.at]: s for s in signals if s.rule == 1}
        in_run = {at[n] for s in signals if s.rule != 1 for n in range(s.at, s.last + 1)}
        found = []
        for index, value in enumerate(self.values):
            if value is None:
                continue
            x, y = plot.x(index), plot.y(value)
            tip = f"{self.labels[index]}: {said(value, 2)} {self.unit}".rstrip()
            if index in outside and fitted is not None:
                diamond = [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)]
                self.drawing.path("out", diamond, closed=True, tip=f"{tip}, outside the limits")
                found.append((index, self._outside(fitted, outside[index].at, index, value, scale)))
            elif index in in_run:
                self.drawing.add(
                    "circle", "run", tip=f"{tip}, in a run", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.4"
                )
            else:
                self.drawing.add("circle", "pt", tip=tip, cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.4")
        for signal in signals:
            if signal.rule != 1:
                first, last = at[signal.first], at[signal.last]
                found.append((first, f"{self.labels[first]} to {self.labels[last]}: {signal.text}."))
        return [sentence for _, sentence in sorted(found)]

    def _outside(self, fitted: limits.Chart, point: int, index: int, value: float, scale: float) -> str:
        upper, lower = scale * fitted.upper[point], scale * fitted.lower[point]
        side, bound = ("above the upper", upper) if value > upper else ("below the lower", lower)
        places = 1 if said(value) != said(bound) else 3
        sentence = (
            f"{self.labels[index]}: {said(value, places)} {self.unit} is {side} limit {said(bound, places)}."
        )
        return sentence.replace("  ", " ")

    def _finding(
        self,
        fitted: limits.Chart | None,
        at: Sequence[int],
        scale: float,
        found: list[str],
        needs: int,
        cases: str,
    ) -> str:
        size = len(self.labels)
        if fitted is None:
            return f"{size} points; limits need {needs}."
        if not any(each.usable for each in fitted.limits):
            return f"{size} points. {fitted.limits[0].sentence}"
        parts = []
        for each in fitted.limits:
            count = each.last - each.first + 1
            mean, low, high = (
                said(scale * side[each.start], 2 if scale == 1 else 1)
                for side in (fitted.center, fitted.lower, fitted.upper)
            )
            where = (
                f"the first {count} points"
                if each.start == 0
                else f"{count} points since {self.labels[at[each.start]]}"
            )
            unit = f" {self.unit}" if self.unit else ""
            parts.append(
                f"mean {mean}{unit}, limits {low} to {high} from {where}{cases if each.start == 0 else ''}"
            )
        return f"{size} points, {'; '.join(parts)}, {_count(found)}."


def _ranges(fitted: limits.Chart) -> list[tuple[int, int]]:
    """Start and end of every stretch."""
    starts = [each.start for each in fitted.limits]
    return list(zip(starts, [*starts[1:], len(fitted.values)], strict=True))


def _extent(values: Sequence[float], floor: float | None) -> tuple[float, float]:
    high, low = max(values, default=1.0), min(values, default=0.0)
    pad = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    return high + pad, (floor if floor is not None and low >= floor else low - pad)


def _events(plot: Plot, events: Sequence[tuple[int, str]]) -> None:
    """Lines at what happened, with names where they have room; a name without room is told by its line's tip."""
    named: dict[int, list[str]] = {}
    for index, name in events:
        named.setdefault(index, []).append(name)
    rows: list[float] = [0.0] * EVENT_ROWS
    for index, names in sorted(named.items()):
        at, text = plot.x(index), cut(", ".join(names), EVENT_WIDTH)
        plot.drawing.add(
            "line", "event", tip=", ".join(names), x1=f"{at:.1f}", y1=f"{plot.top:.1f}", x2=f"{at:.1f}",
            y2=f"{plot.bottom:.1f}",
        )  # fmt: skip
        wide = len(text) * CHARACTER
        left = at + 4 if at + 4 + wide <= plot.right else at - 4 - wide
        row = next((n for n, taken in enumerate(rows) if taken <= left), None)
        if row is not None:
            rows[row] = left + wide + 6
            plot.drawing.text(left, plot.top + 7 + 12 * row, text)


def _count(found: Sequence[str]) -> str:
    return "no signals" if not found else "1 signal" if len(found) == 1 else f"{len(found)} signals"


def _stairs(plot: Plot, values: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """A line of steps, each as wide as its point; values that do not change make one straight line."""
    half = (plot.x(1) - plot.x(0)) / 2
    steps: list[tuple[float, float]] = []
    for index, value in values:
        left, right = max(plot.left, plot.x(index) - half), min(plot.right, plot.x(index) + half)
        if steps and steps[-1][1] == plot.y(value):
            steps[-1] = (right, plot.y(value))
        else:
            steps += [(left, plot.y(value)), (right, plot.y(value))]
    return steps


def unbroken(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The stretches between gaps."""
    parts: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            parts.append([])
        else:
            parts[-1].append(point)
    return [part for part in parts if len(part) > 1]
