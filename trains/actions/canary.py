"""Verbs of canary analysis: how canaries are judged, and judging one."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from trains.models import CanaryAnalysis, CanaryConfig, Environment, Release, Service
from trains.queries import canary as queries
from trains.queries.canary import Side
from trains.rules.canary import Config, judge
from trains.rules.canary_config import ConfigError, config_of

LONGEST = timedelta(days=31)

Metrics = Annotated[
    list,
    Field(
        "Metrics",
        help='A list of {"name": series, "direction": increase, decrease or either (which change is bad), "critical", "required", '
        '"groups", "tolerance", "confidence", "effect": ratio or cles, "allowed_increase", "allowed_decrease", "minimum"}; '
        'or with "method": "limit" and "at_most", "at_least", "failures".',
    ),
]
Weights = Annotated[
    dict | None, Field("Weights", help="Of groups, together 100; the others share what is left.")
]
Passes = Annotated[float, Field("Score that passes", min=1, max=100)]
Marginal = Annotated[float, Field("Score below which it fails", min=1, max=100)]


@action(
    "canary_config.create",
    creates=CanaryConfig,
    requires="releases.manage",
    within="service",
    label="Add a canary configuration",
)
def create_config(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    metrics: Metrics,
    service: Annotated[Service | None, Field("Service", help="Empty: for any.")] = None,
    group_weights: Weights = None,
    passes: Passes = 95.0,
    marginal: Marginal = 75.0,
) -> CanaryConfig:
    """Say by which metrics a canary is compared with the version that runs."""
    _read(metrics, group_weights, passes, marginal)
    if not name.strip():
        refuse("canary_config.name", "A configuration has a name.", field="name")
    if CanaryConfig.objects.filter(name=name.strip()).exists():
        refuse("canary_config.name", "There is a configuration of this name.", field="name")
    return CanaryConfig.objects.create(
        service=service,
        name=name.strip(),
        metrics=metrics,
        group_weights=group_weights or {},
        passes=passes,
        marginal=marginal,
    )


@action("canary_config.change", on=CanaryConfig, requires="releases.manage", label="Change")
def change_config(
    actor: Actor,
    config: CanaryConfig,
    *,
    metrics: Annotated[list, Metrics.__metadata__[0]] = KEEP,
    group_weights: Weights = KEEP,
    passes: Passes = KEEP,
    marginal: Marginal = KEEP,
    reason: Annotated[str, Field("Reason", long=True)],
) -> CanaryConfig:
    """Change metrics, weights or marks. Judgements that were made keep the configuration they were made by."""
    _refuse_retired(config)
    for name, value in (
        ("metrics", metrics),
        ("group_weights", group_weights if group_weights is not None else {}),
        ("passes", passes),
        ("marginal", marginal),
    ):
        if value is not KEEP:
            setattr(config, name, value)
    _read(config.metrics, config.group_weights, config.passes, config.marginal)
    config.save()
    return config


@action("canary_config.retire", on=CanaryConfig, requires="releases.manage", label="Retire", danger=True)
def retire_config(
    actor: Actor, config: CanaryConfig, *, reason: Annotated[str, Field("Reason", long=True)]
) -> CanaryConfig:
    """Use a configuration no more. What it judged stays."""
    _refuse_retired(config)
    config.retired_at = now()
    config.save()
    return config


@action(
    "canary_analysis.run",
    creates=CanaryAnalysis,
    requires="deployments.record",
    within="service",
    label="Judge a canary",
    quiet=("values",),
)
def analyse(
    actor: Actor,
    *,
    config: Annotated[
        CanaryConfig, Field("By", rows=lambda actor, _: CanaryConfig.objects.filter(retired_at=None))
    ],
    service: Service,
    canary_labels: Annotated[
        dict | None, Field("Labels of the canary", help='Such as {"track": "canary"}.')
    ] = None,
    baseline_labels: Annotated[
        dict | None, Field("Labels of the baseline", help='Such as {"track": "baseline"}.')
    ] = None,
    start: Annotated[datetime | None, Field("Canary from", help="Empty: an hour before its end.")] = None,
    end: Annotated[datetime | None, Field("Canary until", help="Empty: now.")] = None,
    baseline_start: Annotated[
        datetime | None, Field("Baseline from", help="Empty: the same period as the canary.")
    ] = None,
    baseline_end: Annotated[datetime | None, Field("Baseline until")] = None,
    environment: Annotated[Environment | None, Field("Environment")] = None,
    release: Annotated[Release | None, Field("Release")] = None,
    values: Annotated[
        dict | None,
        Field(
            "Values",
            help='Instead of recorded series: {"baseline": {metric: [values]}, "canary": {metric: [values]}}.',
        ),
    ] = None,
) -> CanaryAnalysis:
    """Judge a canary against its baseline, from recorded series or given values. Too little data is indeterminate."""
    _refuse_retired(config, field="config")
    if config.service_id and config.service_id != service.pk:
        refuse("canary_analysis.service", f"{config} judges {config.service} only.", field="config")
    rule = queries.config_rule(config)
    canary = _side(start, end, None, canary_labels, "canary_labels", "start")
    baseline = _side(
        baseline_start, baseline_end, canary, baseline_labels, "baseline_labels", "baseline_start"
    )
    if values is not None:
        before, new = _given(rule, values)
    else:
        if baseline == canary and any(metric.method != "limit" for metric in rule.metrics):
            refuse(
                "canary_analysis.same",
                "The canary and its baseline are the same series in the same period.",
                remedy="Give them other labels, or the baseline an earlier period.",
                field="baseline_labels",
            )
        before, new = queries.sides(rule, service, baseline, canary, environment)
    judgement = judge(rule, before, new)
    return CanaryAnalysis.objects.create(
        config=config,
        service=service,
        environment=environment,
        release=release,
        verdict=judgement.verdict,
        score=judgement.score,
        advice=judgement.advice,
        reason=judgement.reason[:500],
        baseline=baseline.as_json(),
        canary=canary.as_json(),
        settings={
            "metrics": config.metrics,
            "group_weights": config.group_weights,
            "passes": config.passes,
            "marginal": config.marginal,
            "version": config.row_version,
        },
        judgement=judgement.as_json(),
        values={"baseline": before, "canary": new},
    )


def _read(metrics: Any, weights: Any, passes: float, marginal: float) -> Config:
    try:
        return config_of(metrics, weights, passes, marginal)
    except ConfigError as error:
        said = str(error)
        field = "marginal" if "marks" in said else "group_weights" if "eight" in said else "metrics"
        refuse("canary_config.metrics", said, field=field)


def _refuse_retired(config: CanaryConfig, field: str | None = None) -> None:
    if config.retired_at:
        refuse(
            "canary_config.retired",
            f"{config} was retired on {config.retired_at:%Y-%m-%d}.",
            remedy="Take another configuration.",
            blocked_by=Ref.of(config),
            field=field,
        )


def _side(
    start: datetime | None,
    end: datetime | None,
    like: Side | None,
    labels: dict[str, Any] | None,
    labels_field: str,
    field: str,
) -> Side:
    """One side of the comparison; a side without a period takes that of the other."""
    for key, value in (labels or {}).items():
        if not isinstance(value, str) or len(str(key)) > 60 or len(value) > 100:
            refuse("canary_analysis.labels", "Labels are short texts.", field=labels_field)
    if like and start is None and end is None:
        return replace(like, labels=labels or {})
    until = end or (now() if like is None else like.start)
    since = start or until - (timedelta(hours=1) if like is None else like.end - like.start)
    if not since < until <= since + LONGEST:
        refuse(
            "canary_analysis.period", "A period begins before it ends and is at most 31 days.", field=field
        )
    return Side(since, until, labels or {})


def _given(rule: Config, values: Any) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Values that the caller measured, checked."""
    names = {metric.name for metric in rule.metrics}
    if not isinstance(values, dict) or set(values) - {"baseline", "canary"}:
        refuse("canary_analysis.values", "Values have a baseline and a canary.", field="values")
    both: list[dict[str, list[float]]] = []
    for side in ("baseline", "canary"):
        given = values.get(side) or {}
        if not isinstance(given, dict) or set(given) - names:
            refuse(
                "canary_analysis.values", f"The {side} has metrics of the configuration only.", field="values"
            )
        for name, numbers in given.items():
            if not isinstance(numbers, list) or len(numbers) > queries.MOST_VALUES:
                refuse(
                    "canary_analysis.values",
                    f"{side}, {name}: a list of at most {queries.MOST_VALUES} numbers.",
                    field="values",
                )
            if any(
                isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each)
                for each in numbers
            ):
                refuse("canary_analysis.values", f"{side}, {name}: a value is no number.", field="values")
        both.append({name: [float(each) for each in numbers] for name, numbers in given.items()})
    return both[0], both[1]
