"""Pages of one series, with its last days, and of one canary analysis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from releasetrain.interface import formats
from releasetrain.interface.charts import Band, Chart, line_chart
from releasetrain.kernel.clock import now
from trains.models import CanaryAnalysis, Series, SeriesKind
from trains.queries import series as queries

_SPANS = {
    "day": ("A day", timedelta(days=1)),
    "week": ("A week", timedelta(days=7)),
    "quarter": ("90 days", timedelta(days=90)),
}
# A chart of so many columns is as fine as the eye sees.
_COLUMNS = 120
_STEPS = {0: "as they came", 300: "by five minutes", 3600: "by the hour"}
_TONES = {"Pass": "ok", "High": "bad", "Low": "bad", "Nodata": "hold", "NodataFailMetric": "bad"}
_WORDS = {"Nodata": "No data", "NodataFailMetric": "No data, required"}
_VERDICTS = {"pass": "ok", "marginal": "hold", "fail": "bad", "indeterminate": "hold"}
_ADVICE = {"advance": "Advance", "hold": "Hold", "rollback": "Roll back"}


def series_page(request: HttpRequest, series: Series) -> dict[str, Any]:
    """The values of a series over a day, a week or a quarter."""
    chosen = request.GET.get("span", "day")
    chosen = chosen if chosen in _SPANS else "day"
    end = now()
    ask = queries.Ask(series.service_id, (series.name,), end - _SPANS[chosen][1], end, series.labels)
    readings = [each for each in queries.many([ask])[0][series.name] if each.series.pk == series.pk]
    policy = queries.policy_of(series.name, queries.policies())
    return {
        "series": series,
        "tabs": [
            {"label": label, "url": f"?span={name}", "current": name == chosen}
            for name, (label, _) in _SPANS.items()
        ],
        "chart": _chart(series, readings[0]) if readings and len(readings[0].values) > 1 else None,
        "points": len(readings[0].values) if readings else 0,
        "step": _STEPS[readings[0].step] if readings else "",
        "policy": policy,
        "rate": series.kind == SeriesKind.COUNTER,
    }


def _chart(series: Series, reading: queries.Reading) -> Chart:
    """At most so many columns: the mean of each, with the least and the greatest as a band."""
    width = max(1, -(-len(reading.values) // _COLUMNS))
    columns = range(0, len(reading.values), width)
    means = [sum(part) / len(part) for part in (reading.values[at : at + width] for at in columns)]
    lows = [min((reading.lows or reading.values)[at : at + width]) for at in columns]
    highs = [max((reading.highs or reading.values)[at : at + width]) for at in columns]
    days = (reading.moments[-1] - reading.moments[0]) > timedelta(days=2)
    labels = [(formats.short_day if days else formats.clock)(reading.moments[at]) for at in columns]
    unit = f"{series.unit} per second".strip() if series.kind == SeriesKind.COUNTER else series.unit
    return line_chart(
        series.name,
        labels,
        {"mean": means},
        unit=unit,
        bands=[Band("least to greatest", lows, highs)],
        width=1120,
    )


def analysis_page(request: HttpRequest, analysis: CanaryAnalysis) -> dict[str, Any]:
    """What the judge said, metric by metric."""
    judgement = analysis.judgement
    return {
        "analysis": analysis,
        "tone": _VERDICTS[analysis.verdict],
        "advice": _ADVICE.get(analysis.advice, analysis.advice),
        "groups": judgement.get("groups", []),
        "metrics": [
            {
                **metric,
                "tone": _TONES[metric["classification"]],
                "word": _WORDS.get(metric["classification"], metric["classification"]),
                "where": ", ".join(metric["groups"]),
            }
            for metric in judgement.get("metrics", [])
        ],
        "sides": [("Baseline", _said(analysis.baseline)), ("Canary", _said(analysis.canary))],
    }


def _said(side: dict[str, Any]) -> str:
    """Which series, and when. A rollout may have judged without periods of its own."""
    labels = (
        ", ".join(f'{key}="{value}"' for key, value in sorted(side.get("labels", {}).items())) or "all series"
    )
    moments = [str(side[key])[:16].replace("T", " ") for key in ("start", "end") if side.get(key)]
    return f"{labels}; {' to '.join(moments)} UTC" if moments else labels
