"""Prometheus's HTTP API: what is asked of it, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

# Prometheus itself answers at most 11 000 points for each series.
MOST_POINTS = 11_000
MOST_SERIES = 500
_NAME = "__name__"


class PrometheusError(ValueError):
    """Why an answer cannot be used, as a sentence."""


@dataclass(frozen=True)
class Pulled:
    """One series of an answer."""

    labels: dict[str, str]
    points: list[tuple[datetime, float]]


def range_query(address: str, expression: str, start: datetime, end: datetime, step: int) -> str:
    """The address that asks for an expression over a period."""
    query = {"query": expression, "start": start.timestamp(), "end": end.timestamp(), "step": step}
    return f"{address.rstrip('/')}/api/v1/query_range?{urlencode(query)}"


def period(
    pulled_until: datetime | None, at: datetime, step: int, first: timedelta
) -> tuple[datetime, datetime]:
    """What to ask for next: from the last point on, at the server's own steps, no more than it answers at once."""
    width = timedelta(seconds=step)
    start = _aligned(pulled_until + width if pulled_until else at - first, step)
    end = min(_aligned(at, step), start + width * (MOST_POINTS - 1))
    return start, end


def _aligned(moment: datetime, step: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // step * step, UTC)


def answer(body: Any) -> list[Pulled]:
    """The series of a range query's answer; what is no number is left out."""
    if not isinstance(body, Mapping) or body.get("status") != "success":
        said = body.get("error") if isinstance(body, Mapping) else None
        raise PrometheusError(f"The server answers: {str(said or 'nothing that can be read')[:200]}")
    data = body.get("data")
    if not isinstance(data, Mapping) or data.get("resultType") != "matrix":
        raise PrometheusError("The expression gives no series over a period.")
    result = data.get("result")
    if not isinstance(result, list) or len(result) > MOST_SERIES:
        raise PrometheusError(f"The expression gives more than {MOST_SERIES} series: sum some labels away.")
    return [_pulled(each) for each in result]


def _pulled(row: Any) -> Pulled:
    try:
        labels = {str(key): str(value)[:100] for key, value in row["metric"].items() if key != _NAME}
        points = [(datetime.fromtimestamp(float(at), UTC), float(value)) for at, value in row["values"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise PrometheusError("A series of the answer cannot be read.") from error
    return Pulled(labels, [point for point in points if math.isfinite(point[1]) and abs(point[1]) <= 1e300])
