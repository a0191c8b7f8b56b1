"""The metrics of a canary configuration as JSON: read, checked, explained."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .canary import Config, Direction, Metric
from .thresholds import Limits

MOST_METRICS = 60
SERIES_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}")
_METHODS = ("mann-whitney", "limit")
_TEXTS = {"name", "method", "direction", "nan", "outliers", "effect"}
_FLAGS = {"critical", "required", "muted"}
_EFFECTS = {"allowed_increase", "allowed_decrease", "critical_increase", "critical_decrease"}
_NUMBERS = {"tolerance", "confidence", "minimum", "failures", "at_most", "at_least", *_EFFECTS}
KEYS = {"groups", *_TEXTS, *_FLAGS, *_NUMBERS}
_CHOICES = {
    "method": _METHODS,
    "direction": tuple(str(each) for each in Direction),
    "nan": ("remove", "replace"),
    "outliers": ("keep", "remove"),
    "effect": ("ratio", "cles"),
}


class ConfigError(ValueError):
    """What is wrong with a configuration, as a sentence."""


def config_of(
    metrics: Any, group_weights: Any = None, passes: float = 95.0, marginal: float = 75.0
) -> Config:
    """The configuration that the judge reads."""
    if not isinstance(metrics, Sequence) or isinstance(metrics, str) or not metrics:
        raise ConfigError("A canary configuration lists its metrics, at least one.")
    if len(metrics) > MOST_METRICS:
        raise ConfigError(f"A canary configuration has at most {MOST_METRICS} metrics.")
    read = tuple(_metric(number, each) for number, each in enumerate(metrics, 1))
    names = [metric.name for metric in read]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"The metric {twice} is listed twice.")
    if all(metric.muted for metric in read):
        raise ConfigError("Every metric is muted: nothing would be judged.")
    if not 0 < marginal <= passes <= 100:
        raise ConfigError(
            "The marks lie between 0 and 100, and the marginal one is not above that of a pass."
        )
    return Config(read, _weights(group_weights or {}, read), passes, marginal)


def _metric(number: int, given: Any) -> Metric:
    where = f"Metric {number}"
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where} is no object.")
    unknown = sorted(str(key) for key in set(given) - KEYS)
    if unknown:
        raise ConfigError(f"{where}: there is no field {unknown[0][:40]}.")
    name = given.get("name")
    if not isinstance(name, str) or not SERIES_NAME.fullmatch(name):
        raise ConfigError(f"{where}: name is the name of a series, such as http_errors_total.")
    values: dict[str, Any] = {"name": name, "groups": _metric_groups(name, given.get("groups"))}
    for key, choices in _CHOICES.items():
        if key in given:
            if given[key] not in choices:
                raise ConfigError(f"{name}: {key} is {' or '.join(choices)}.")
            values[key] = Direction(given[key]) if key == "direction" else given[key]
    for key in _FLAGS & set(given):
        if not isinstance(given[key], bool):
            raise ConfigError(f"{name}: {key} is true or false.")
        values[key] = given[key]
    for key in _NUMBERS & set(given):
        if given[key] is not None:
            values[key] = _number(name, key, given[key])
    return _consistent(name, values)


def _number(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{name}: {key} is a number.")
    low, high = {
        "tolerance": (0, 10),
        "confidence": (0.5, 0.9999),
        "minimum": (2, 100_000),
        "failures": (0, 100_000),
    }.get(key, (-1e300, 1e300))
    if not low <= value <= high:
        raise ConfigError(f"{name}: {key} lies between {low:g} and {high:g}.")
    if key in ("minimum", "failures") and value != int(value):
        raise ConfigError(f"{name}: {key} is a whole number.")
    return int(value) if key in ("minimum", "failures") else float(value)


def _consistent(name: str, values: dict[str, Any]) -> Metric:
    failures = values.pop("failures", None)
    bounded = values.get("at_most") is not None or values.get("at_least") is not None
    limit = values.get("method") == "limit"
    if limit != bounded or (failures is not None and not limit):
        raise ConfigError(
            f"{name}: at_most, at_least and failures belong to the method limit, which needs a bound."
        )
    low, high = values.get("at_least"), values.get("at_most")
    if low is not None and high is not None and low > high:
        raise ConfigError(f"{name}: at_least lies above at_most: nothing could pass.")
    if limit and set(values) & {"direction", "tolerance", "confidence", "effect", *_EFFECTS}:
        raise ConfigError(f"{name}: a limit has bounds only; the baseline does not matter to it.")
    return Metric(**values, limits=Limits(failures=failures or 0, count=1))


def _metric_groups(name: str, given: Any) -> tuple[str, ...]:
    groups = ["all"] if given is None else given
    named = isinstance(groups, Sequence) and not isinstance(groups, str) and groups
    if not named or any(not isinstance(each, str) or not 0 < len(each) <= 60 for each in groups):
        raise ConfigError(f"{name}: groups is a list of short names.")
    return tuple(dict.fromkeys(groups))


def _weights(given: Any, metrics: Sequence[Metric]) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise ConfigError("Weights are an object: the name of a group and its share of 100.")
    groups = {name for metric in metrics for name in metric.groups}
    for name, value in given.items():
        if name not in groups:
            raise ConfigError(f"No metric is in the group {str(name)[:60]}.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise ConfigError(f"The weight of {name} lies between 0 and 100.")
    total = sum(given.values())
    if total > 100 or (set(given) == groups and total != 100):
        raise ConfigError(f"The weights make {total:g}; together they are 100.")
    return {str(name): float(value) for name, value in given.items()}
