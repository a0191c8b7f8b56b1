"""Pages of staged paths and canary configurations: their steps, labels and metrics as tables that people read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from trains.models import CanaryAnalysis, CanaryConfig, CanaryVerdict, StagedPath
from trains.queries.canary import config_rule
from trains.rules.canary import Config, Direction, Metric
from trains.rules.staged_paths import stored

_SHOWN = 10
_TONES = {
    CanaryVerdict.PASS: "ok",
    CanaryVerdict.MARGINAL: "warn",
    CanaryVerdict.FAIL: "bad",
    CanaryVerdict.INDETERMINATE: "hold",
}
_BAD = {
    Direction.INCREASE: "a rise",
    Direction.DECREASE: "a fall",
    Direction.EITHER: "any change",
}


def path_page(request: Any, path: StagedPath) -> dict[str, Any]:
    """The steps with what judges each and when at the earliest it is reached; and what tells both sides apart."""
    steps = stored(path.steps)
    keys = {key for step in steps for key in step.configs}
    named = {c.key: c for c in CanaryConfig.objects.filter(key__in=keys)}
    after, lines = timedelta(0), []
    for number, step in enumerate(steps, 1):
        judges = [named[key] for key in step.configs if key in named] or [path.config]
        lines.append(
            {
                "number": number,
                "step": step,
                "after": _span(after) if after else "at once",
                "bakes": _span(timedelta(minutes=step.bake_minutes)) if step.bake_minutes else "",
                "judges": judges if step.judged else [],
            }
        )
        after += timedelta(minutes=step.bake_minutes)
    names = sorted({*path.canary_labels, *path.baseline_labels})
    labels = [(n, path.canary_labels.get(n, ""), path.baseline_labels.get(n, "")) for n in names]
    return {"lines": lines, "whole": _span(after) if after else "", "labels": labels}


def _span(span: timedelta) -> str:
    """Days, hours and minutes as people write them."""
    minutes = int(span.total_seconds() // 60)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return " ".join(f"{n} {word}" for n, word in parts if n)


def config_page(request: Any, config: CanaryConfig) -> dict[str, Any]:
    """Every metric with what is bad about it and what it weighs, and what was judged by this of late."""
    rule = config_rule(config)
    rows = CanaryAnalysis.objects.filter(config=config).select_related("service", "environment")
    return {
        "metrics": [_line(metric, rule) for metric in rule.metrics],
        "weights": [(name, weight) for name, weight in sorted(rule.group_weights.items())],
        "analyses": [
            {"analysis": a, "tone": _TONES[CanaryVerdict(a.verdict)]}
            for a in rows.order_by("-judged_at", "-id")[:_SHOWN]
        ],
    }


def _line(metric: Metric, rule: Config) -> dict[str, Any]:
    marks = (("critical", metric.critical), ("required", metric.required), ("muted", metric.muted))
    return {
        "name": metric.name,
        "groups": [(group, rule.group_weights.get(group)) for group in metric.groups],
        "marks": [word for word, is_so in marks if is_so],
        "fails": fails_when(metric),
        "least": metric.minimum,
    }


def fails_when(metric: Metric) -> str:
    """What fails the metric, in a sentence."""
    if metric.method == "limit":
        bounds = [
            f"above {metric.at_most:g}" if metric.at_most is not None else "",
            f"below {metric.at_least:g}" if metric.at_least is not None else "",
        ]
        said = " or ".join(filter(None, bounds))
        many = metric.limits.failures
        return f"A value {said}." if many <= 0 else f"More than {many} values {said}."
    beyond = "beyond a share of pairs of" if metric.effect == "cles" else "beyond a ratio of"
    allowed = [
        f"{beyond} {value:g}"
        for value, direction in (
            (metric.allowed_increase, Direction.INCREASE),
            (metric.allowed_decrease, Direction.DECREASE),
        )
        if value is not None and metric.direction in (direction, Direction.EITHER)
    ]
    words = f" {' or '.join(allowed)}" if allowed else ""
    return f"{_BAD[metric.direction].capitalize()}{words}, {100 * metric.confidence:g} % certain."
