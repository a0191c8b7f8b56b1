"""Two samples of one metric above each other: least, quartiles and greatest of the baseline and of the canary."""

from __future__ import annotations

from collections.abc import Sequence

from releasetrain.interface.charts.drawing import Chart, Drawing, said

WIDTH, HEIGHT, PAD = 200, 40, 4
_ROWS = (("base", 11), ("canary", 29))


def five(values: Sequence[float]) -> tuple[float, float, float, float, float] | None:
    """Least, lower quartile, median, upper quartile, greatest; None without values."""
    import numpy as np

    if not values:
        return None
    low, lower, middle, upper, high = np.quantile(np.asarray(values, dtype=float), [0, 0.25, 0.5, 0.75, 1])
    return float(low), float(lower), float(middle), float(upper), float(high)


def distributions(name: str, baseline: Sequence[float], canary: Sequence[float]) -> Chart:
    """Both samples on one scale; the middle half is a box, its line the median."""
    drawing = Drawing(WIDTH, HEIGHT)
    both = {"Baseline": five(baseline), "Canary": five(canary)}
    known = [f for f in both.values() if f]
    rows = [[label, *(said(v, 4) for v in found)] for label, found in both.items() if found]
    columns = ["Side", "Least", "Lower quartile", "Median", "Upper quartile", "Greatest"]
    if not known:
        return Chart(name, "No values on either side.", drawing, columns, [])
    low, high = min(f[0] for f in known), max(f[4] for f in known)

    def x(value: float) -> float:
        return PAD + (WIDTH - 2 * PAD) * ((value - low) / (high - low) if high > low else 0.5)

    for (css, y), found in zip(_ROWS, both.values(), strict=True):
        if found is None:
            continue
        least, lower, middle, upper, greatest = map(x, found)
        drawing.line(f"whisker {css}", least, y, greatest, y)
        width = f"{max(upper - lower, 1.5):.1f}"
        drawing.add("rect", f"box {css}", x=f"{lower:.1f}", y=str(y - 6), width=width, height="12")
        drawing.line(f"median {css}", middle, y - 6, middle, y + 6)
    words = [f"{label} median {said(found[2], 4)}" for label, found in both.items() if found]
    return Chart(name, f"{', '.join(words)}.", drawing, columns, rows, css="chart dist small")
