"""The judge of a canary: each metric against the baseline or a limit, groups by weight, one verdict.

Classes and scores are Kayenta's (Netflix's judge). What differs, on purpose: too little data is indeterminate and never
a pass, whatever the score; limits may be judged beside comparisons; every metric has a least number of values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from . import mann_whitney
from .thresholds import Limits, Phase, assess, measured, tally


class Direction(StrEnum):
    """Which change of a metric is bad."""

    INCREASE = "increase"
    DECREASE = "decrease"
    EITHER = "either"


class Classification(StrEnum):
    PASS = "Pass"  # noqa: S105 - a verdict
    HIGH = "High"
    LOW = "Low"
    NODATA = "Nodata"
    NODATA_FAIL = "NodataFailMetric"


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    MARGINAL = "marginal"
    FAIL = "fail"
    INDETERMINATE = "indeterminate"


ADVICE = {
    Verdict.PASS: "advance",
    Verdict.MARGINAL: "hold",
    Verdict.INDETERMINATE: "hold",
    Verdict.FAIL: "rollback",
}
FAILING = {Classification.HIGH, Classification.LOW, Classification.NODATA_FAIL}
# Sizes of effect from which a significant difference counts: ratios of means, or the share of pairs won.
_NO_EFFECT = {"ratio": 1.0, "cles": 0.5}


@dataclass(frozen=True)
class Metric:
    """How one metric is judged.

    method             mann-whitney: against the baseline · mean: means compared, for tests · limit: values within bounds
    direction          the change that is bad
    critical           alone fails the whole; of a critical effect, where one is set
    required           no data is a failure, not only no answer
    nan                remove missing values, or replace them by zero (counters)
    tolerance          share of the estimated shift that the interval must exceed
    allowed_increase, allowed_decrease    effects up to here are no failure; critical_…: from here on critical
    minimum            values that each side must have
    at_most, at_least  the bounds of a limit; `limits` says how many values may break them
    """

    name: str
    groups: tuple[str, ...] = ("all",)
    method: str = "mann-whitney"
    direction: Direction = Direction.EITHER
    critical: bool = False
    required: bool = False
    muted: bool = False
    nan: str = "remove"
    outliers: str = "keep"
    tolerance: float = 0.25
    confidence: float = 0.98
    effect: str = "ratio"
    allowed_increase: float | None = None
    allowed_decrease: float | None = None
    critical_increase: float | None = None
    critical_decrease: float | None = None
    minimum: int = 10
    at_most: float | None = None
    at_least: float | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Config:
    """Metrics, weights of their groups (groups without one share what is left of 100), and the two marks."""

    metrics: tuple[Metric, ...]
    group_weights: Mapping[str, float] = field(default_factory=dict)
    passes: float = 95.0
    marginal: float = 75.0


@dataclass(frozen=True)
class Judged:
    """What one metric showed."""

    name: str
    groups: tuple[str, ...]
    classification: Classification
    critical: bool = False
    critical_metric: bool = False
    muted: bool = False
    reason: str = ""
    baseline_count: int = 0
    canary_count: int = 0
    baseline_mean: float | None = None
    canary_mean: float | None = None
    effect: float | None = None
    effect_measure: str = "ratio"
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Group:
    """The score of a group: its share of metrics that pass; `judged` is false where none had data."""

    name: str
    score: float
    weight: float
    judged: bool


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    advice: str
    score: float
    reason: str
    groups: tuple[Group, ...]
    metrics: tuple[Judged, ...]

    def as_json(self) -> dict[str, Any]:
        """The judgement in JSON's types; what is not a number is null."""
        return _finite(asdict(self))


def judge(
    config: Config, baseline: Mapping[str, Sequence[float]], canary: Mapping[str, Sequence[float]]
) -> Judgement:
    """Judge the values of each metric by its name; what is absent is no data."""
    metrics = tuple(
        classify(metric, baseline.get(metric.name, ()), canary.get(metric.name, ()))
        for metric in config.metrics
    )
    return conclude(config, metrics)


def classify(metric: Metric, baseline: Sequence[float], canary: Sequence[float]) -> Judged:
    """The class of one metric."""
    control, experiment = _cleaned(metric, baseline), _cleaned(metric, canary)
    what = Judged(
        name=metric.name,
        groups=metric.groups,
        classification=Classification.NODATA,
        critical_metric=metric.critical,
        muted=metric.muted,
        baseline_count=len(control),
        canary_count=len(experiment),
        baseline_mean=_mean(control),
        canary_mean=_mean(experiment),
        effect_measure=metric.effect,
    )
    if metric.method == "limit":
        return _against_limits(metric, what, experiment)
    short = _too_few(metric, control, experiment)
    if short:
        return _no_data(metric, what, short)
    if metric.method == "mean":
        return _by_means(metric, what)
    return _against_baseline(metric, what, control, experiment)


def conclude(config: Config, judged: Sequence[Judged]) -> Judgement:
    """One score and one verdict over the metrics of a config."""
    counted = [metric for metric in judged if not metric.muted]
    groups = _groups(config, counted)
    measured_ = [metric for metric in counted if metric.classification is not Classification.NODATA]
    critical = [m for m in counted if m.critical]
    half = 2 * (len(counted) - len(measured_)) >= len(counted)
    # Kayenta counts a group without data as passed. The score keeps that, to compare; the verdict does not.
    total = sum(group.weight * (group.score if group.judged else 100.0) for group in groups) / 100
    score = 0.0 if critical or half else round(total, 2)
    verdict, reason = _verdict(config, counted, measured_, groups, score)
    return Judgement(verdict, ADVICE[verdict], score, reason, tuple(groups), tuple(judged))


def _verdict(
    config: Config, counted: list[Judged], measured_: list[Judged], groups: list[Group], score: float
) -> tuple[Verdict, str]:
    worse = [m for m in measured_ if m.critical]
    if worse:
        return Verdict.FAIL, f"Critical: {_names(worse)}."
    with_data = [group for group in groups if group.judged]
    weight = sum(group.weight for group in with_data)
    shown = sum(group.weight * group.score for group in with_data) / weight if weight else None
    failing = [m for m in measured_ if m.classification in FAILING]
    if failing and shown is not None and shown < config.marginal:
        return Verdict.FAIL, f"{_names(failing)}: {shown:.4g} of 100, below {config.marginal:.4g}."
    missing = [m for m in counted if m.classification is Classification.NODATA]
    if not counted:
        return Verdict.INDETERMINATE, "No metric is judged."
    if any(m.critical_metric for m in missing):
        return (
            Verdict.INDETERMINATE,
            f"No answer on critical {_names([m for m in missing if m.critical_metric])}.",
        )
    if 2 * len(missing) >= len(counted):
        return (
            Verdict.INDETERMINATE,
            f"No answer on {len(missing)} of {len(counted)} metrics: {_names(missing)}.",
        )
    silent = [group.name for group in groups if not group.judged]
    if silent:
        return Verdict.INDETERMINATE, f"No answer on any metric of {', '.join(silent)}."
    if score >= config.passes:
        return Verdict.PASS, f"{score:.4g} of 100; {config.passes:.4g} pass."
    why = f"{_names(failing)}: " if failing else ""
    if score >= config.marginal:
        return (
            Verdict.MARGINAL,
            f"{why}{score:.4g} of 100, between {config.marginal:.4g} and {config.passes:.4g}.",
        )
    return Verdict.FAIL, f"{why}{score:.4g} of 100, below {config.marginal:.4g}."


def _groups(config: Config, counted: Sequence[Judged]) -> list[Group]:
    names = sorted({name for metric in counted for name in metric.groups})
    given = {name: float(config.group_weights[name]) for name in names if name in config.group_weights}
    others = [name for name in names if name not in given]
    share = max(0.0, 100.0 - sum(given.values())) / len(others) if others else 0.0
    found = []
    for name in names:
        classes = [m.classification for m in counted if name in m.groups]
        known = [each for each in classes if each is not Classification.NODATA]
        score = 100 * sum(each is Classification.PASS for each in known) / len(known) if known else 0.0
        found.append(Group(name, score, given.get(name, share), bool(known)))
    return found


def _cleaned(metric: Metric, values: Sequence[float]) -> list[float]:
    numbers = [math.nan if value is None else float(value) for value in values]
    if metric.nan == "replace":
        numbers = [0.0 if math.isnan(value) else value for value in numbers]
    numbers = [value for value in numbers if math.isfinite(value)]
    if metric.outliers == "remove":
        beyond = mann_whitney.outliers_by_quartiles(numbers, 3.0, widened=True)
        numbers = [value for value, out in zip(numbers, beyond, strict=True) if not out]
    return numbers


def _too_few(metric: Metric, control: list[float], experiment: list[float]) -> str:
    least = max(1, metric.minimum)
    for name, values in (("canary", experiment), ("baseline", control)):
        if len(values) < least:
            return f"The {name} has {len(values)} values; {least} are needed."
    return ""


def _no_data(metric: Metric, what: Judged, reason: str) -> Judged:
    failing = metric.required and not metric.critical
    kind = Classification.NODATA_FAIL if failing else Classification.NODATA
    return _with(what, classification=kind, critical=metric.critical, reason=reason)


def _against_baseline(metric: Metric, what: Judged, control: list[float], experiment: list[float]) -> Judged:
    if sorted(control) == sorted(experiment) or len({*control, *experiment}) == 1:
        same = _with(what, effect=_effect(metric, control, experiment), estimate=0.0, lower=0.0, upper=0.0)
        return _with(same, classification=Classification.PASS, reason="The same values as in the baseline.")
    if len(set(control)) == 1 and len(set(experiment)) == 1:
        moved = experiment[0] - control[0]
        shift = mann_whitney.Shift(moved, moved, moved, math.nan)
    else:
        shift = mann_whitney.shift(experiment, control, metric.confidence)
    effect = _effect(metric, control, experiment)
    what = _with(
        what,
        effect=effect,
        estimate=shift.estimate,
        lower=shift.lower,
        upper=shift.upper,
        p_value=shift.p_value,
    )
    bound = metric.tolerance * abs(shift.estimate)
    high = shift.lower > bound and metric.direction is not Direction.DECREASE
    low = shift.upper < -bound and metric.direction is not Direction.INCREASE
    if high and _at_least(effect, _or_none(metric.allowed_increase, metric)):
        far = _at_least(effect, _or_none(metric.critical_increase, metric))
        return _with(
            what,
            classification=Classification.HIGH,
            critical=metric.critical and far,
            reason=f"Higher than the baseline {_by(what)}.",
        )
    if low and _at_most(effect, _or_none(metric.allowed_decrease, metric)):
        far = _at_most(effect, _or_none(metric.critical_decrease, metric))
        return _with(
            what,
            classification=Classification.LOW,
            critical=metric.critical and far,
            reason=f"Lower than the baseline {_by(what)}.",
        )
    said = "No difference that counts" if not (high or low) else "A difference within what is allowed"
    return _with(what, classification=Classification.PASS, reason=f"{said}, {_by(what)}.")


def _by_means(metric: Metric, what: Judged) -> Judged:
    above, below = what.canary_mean, what.baseline_mean
    if above is None or below is None or above == below:
        return _with(what, classification=Classification.PASS, reason="The same mean as the baseline.")
    kind = Classification.HIGH if above > below else Classification.LOW
    bad = Direction.INCREASE if above > below else Direction.DECREASE
    if metric.direction not in (bad, Direction.EITHER):
        kind = Classification.PASS
    fails = kind is not Classification.PASS
    return _with(what, classification=kind, critical=metric.critical and fails, reason="By the means alone.")


def _against_limits(metric: Metric, what: Judged, values: list[float]) -> Judged:
    if len(values) < max(1, metric.minimum):
        return _no_data(
            metric, what, f"The canary has {len(values)} values; {max(1, metric.minimum)} are needed."
        )
    above = [metric.at_most is not None and value > metric.at_most for value in values]
    below = [metric.at_least is not None and value < metric.at_least for value in values]
    phases = [measured(None, over or under) for over, under in zip(above, below, strict=True)]
    # All values are there, so that the analysis is judged as ended.
    phase = assess(metric.limits, tally(phases), terminating=True)
    broken = sum(above) + sum(below)
    said = f"{broken} of {len(values)} values outside {_bounds(metric)}; {max(0, metric.limits.failures)} may be."
    if phase is Phase.SUCCESSFUL:
        return _with(what, classification=Classification.PASS, reason=said)
    if phase is not Phase.FAILED:
        return _no_data(metric, what, said)
    kind = Classification.HIGH if sum(above) >= sum(below) else Classification.LOW
    return _with(what, classification=kind, critical=metric.critical, reason=said)


def _bounds(metric: Metric) -> str:
    parts = [f"at least {metric.at_least:g}"] if metric.at_least is not None else []
    if metric.at_most is not None:
        parts.append(f"at most {metric.at_most:g}")
    return " and ".join(parts)


def _effect(metric: Metric, control: Sequence[float], experiment: Sequence[float]) -> float:
    measure = mann_whitney.common_language if metric.effect == "cles" else mann_whitney.mean_ratio
    return measure(experiment, control)


def _or_none(allowed: float | None, metric: Metric) -> float:
    return _NO_EFFECT[metric.effect] if allowed is None else allowed


def _at_least(effect: float, allowed: float) -> bool:
    return math.isnan(effect) or effect >= allowed


def _at_most(effect: float, allowed: float) -> bool:
    return math.isnan(effect) or effect <= allowed


def _by(what: Judged) -> str:
    return f"by {what.estimate:.4g} ({what.lower:.4g} to {what.upper:.4g})"


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _names(metrics: Sequence[Judged]) -> str:
    return ", ".join(metric.name for metric in metrics)


def _with(what: Judged, **changes: Any) -> Judged:
    return Judged(**{**what.__dict__, **changes})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, StrEnum) else value
