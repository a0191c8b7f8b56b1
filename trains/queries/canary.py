"""What a canary is compared by: the values of every metric of a configuration on both sides, in a few queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trains.models import CanaryConfig, Environment, Service
from trains.rules.canary import Config
from trains.rules.canary_config import config_of

from . import series

# More values than this are no better sample: coarser points are read instead.
MOST_VALUES = 5_000


@dataclass(frozen=True)
class Side:
    """The baseline or the canary: which labels its series carry, and when."""

    start: datetime
    end: datetime
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"labels": dict(self.labels), "start": self.start.isoformat(), "end": self.end.isoformat()}


def config_rule(config: CanaryConfig) -> Config:
    """The configuration as the judge reads it."""
    return config_of(config.metrics, config.group_weights, config.passes, config.marginal)


def sides(
    config: Config,
    service: Service,
    baseline: Side,
    canary: Side,
    environment: Environment | None = None,
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The values of every metric: of the baseline, and of the canary. Several series of a name are one sample."""
    names = tuple(metric.name for metric in config.metrics)
    asks = [
        series.Ask(service, names, side.start, side.end, side.labels, environment)
        for side in (baseline, canary)
    ]
    before, new = series.many(asks)
    return _values(before), _values(new)


def _values(answer: Mapping[str, list[series.Reading]]) -> dict[str, list[float]]:
    return {name: series.numbers(readings)[:MOST_VALUES] for name, readings in answer.items()}
