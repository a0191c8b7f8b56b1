"""Health, for executives: few figures with trend, deviation, what happened, and what to expect. One page."""

from __future__ import annotations

from metrics.asking import Question
from metrics.charts import process_chart
from metrics.health import Health, Sign, health_of
from metrics.points import MEASURES
from metrics.queries.quality import data_quality
from metrics.rules.samples import wording
from metrics.rules.speaking import spoken
from releasetrain.interface.charts import Chart, sparkline
from releasetrain.interface.charts.drawing import said

from .answer import Answer, Definition, Figure, Link, Table
from .delivery import gaps_of
from .registry import dashboard

_COMMON = (
    " Usual is what lies within the control limits of the measure's own past, without eight in a row on one side; what is "
    "expected next is where eight of ten points lay since the limits began."
)
_MEANT = {
    "deployments": ("Deployments that reached production.", "deployments of the last whole bucket"),
    "lead_time": ("From commit to the first production deployment.", "median of the last whole bucket"),
    "fail_rate": (
        "Deployments that needed immediate intervention.",
        "failed ÷ deployments of the last whole bucket",
    ),
    "recovery": (
        "From the start of a failure that a deployment caused until service was restored.",
        "median of the last whole bucket with failures",
    ),
    "incidents": (
        "Incidents detected, against the deployments of the same bucket.",
        "incidents ÷ deployments of the last whole bucket",
    ),
}
DEFINITIONS = tuple(
    Definition(name, MEASURES[name].title, text + _COMMON, formula)
    for name, (text, formula) in _MEANT.items()
)


@dashboard(
    "health",
    title="Health",
    about="Five figures with their usual range, what left it, what happened then, and what to expect.",
    definitions=DEFINITIONS,
    order=5,
    days=210,
    brief=True,
)
def health(question: Question) -> Answer:
    """The state of delivery at a glance."""
    found = health_of(question)
    quality = gaps_of(data_quality(found.found.cells, question.period, question.wanted))
    if not found.found.total:
        return Answer(
            [_figure(sign, question) for sign in found.signs],
            quality=quality,
            empty="No production deployment finished in this period.",
        )
    return Answer(
        [_figure(sign, question) for sign in found.signs],
        _charts(found, question),
        [_deviations(found)],
        quality,
        [forecast_words(sign, question) for sign in found.signs if sign.points],
    )


def value_of(sign: Sign) -> tuple[float | None, str]:
    """The last value in the units that figures are said in."""
    last = sign.last
    if last is None or last.value is None:
        return None, ""
    if sign.measured.unit == "hours":
        return last.value * 3600, "seconds"
    return (last.value / 100, "share") if sign.measured.kind == "p" else (last.value, "")


def spoken_value(sign: Sign, value: float) -> str:
    """A value of the measure's points, with its unit."""
    if sign.measured.unit == "hours":
        return " ".join(spoken("seconds", value * 3600))
    if sign.measured.kind == "p":
        return f"{said(value)} %"
    return said(value, 2 if sign.measured.kind == "u" else 0)


def forecast_words(sign: Sign, question: Question) -> str:
    """What to expect of the next bucket, in a sentence."""
    expected = sign.vital.expected
    if expected is None:
        return f"{sign.measured.title}: {sign.vital.why_no_forecast}"
    low, high = (spoken_value(sign, each) for each in expected)
    return f"{sign.measured.title}: expect {low} to {high} next {question.bucket} (8 of 10)."


def _figure(sign: Sign, question: Question) -> Figure:
    value, unit = value_of(sign)
    last = sign.last
    few = wording(last.total, "deployments") if last and sign.measured.kind != "x" else ""
    return Figure(
        sign.measured.name,
        sign.measured.title,
        value,
        unit,
        count=len(sign.points),
        rows=lambda: _points(sign),
        note=f"{question.bucket} of {last.label}" if last else "",
        sample=few,
        band=sign.vital.word if last else "",
        tone=sign.vital.tone,
        trend=trend_of(sign) if len(sign.points) > 1 else None,
    )


def trend_of(sign: Sign) -> Chart:
    return sparkline(sign.measured.title, [p.value for p in sign.points[-26:]], unit=sign.measured.unit)


def _points(sign: Sign) -> Table:
    rows = [
        (p.day, spoken_value(sign, p.value or 0.0), p.count or None, p.total or None) for p in sign.points
    ]
    return Table(
        "Points", ("From", "Value", "Count", "Of"), list(reversed(rows)), numbers=("Value", "Count", "Of")
    )


def _charts(found: Health, question: Question) -> list[Chart]:
    return [
        process_chart(
            sign.measured,
            sign.points,
            question.bucket.value,
            changes=sign.changes,
            events=sign.events[-4:],
            height=180,
        )
        for sign in found.signs[:4]
        if len(sign.points) > 1
    ]


def deviation_rows(found: Health) -> list[tuple[Sign, str, str, list[Link]]]:
    """Every recent deviation: the sign, when, what, and what happened then."""
    rows = []
    for sign in found.signs:
        for each in sign.vital.deviations:
            first, last = sign.points[each.first].label, sign.points[each.last].label
            when = first if first == last else f"{first} to {last}"
            side = "above" if each.above else "below"
            links = [Link(h.title, h.url) for h in found.beside(sign, each)]
            rows.append((sign, when, f"{side} usual: {each.text}", links))
    return rows


def _deviations(found: Health) -> Table:
    rows = [
        (sign.measured.title, when, what, "; ".join(link.text for link in links) or "nothing recorded")
        for sign, when, what, links in deviation_rows(found)
    ]
    return Table(
        "Deviations",
        ("Measure", "When", "What", "What happened then"),
        rows,
        empty="Every measure is within its usual range.",
        note="Coincidence in time is no cause.",
    )
