"""Values as people say them: a number and its unit."""

from __future__ import annotations

SCALES = ((86_400, "days"), (3_600, "h"), (60, "min"))


def spoken(unit: str, value: float | None) -> tuple[str, str]:
    """Number and unit of a value in seconds, a share, a rate per day, or whatever else `unit` names."""
    if value is None:
        return "–", ""
    if unit == "share":
        return f"{value * 100:.1f}", "%"
    if unit == "per day":
        return (f"{value:.1f}", "per day") if value >= 1 else (f"{value * 7:.1f}", "per week")
    if unit == "seconds":
        for seconds, name in SCALES:
            if abs(value) >= seconds:
                return f"{value / seconds:.1f}", name
        return f"{value:.0f}", "s"
    whole = float(value) == int(value)
    text = f"{value:,.0f}" if whole or abs(value) >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")
    return text.replace(",", "\u202f").replace("-", "−"), unit
