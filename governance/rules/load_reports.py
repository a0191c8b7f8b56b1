"""Reading what load tests measured: a k6 summary, or a plain list of measurements."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_MOST = 2_000


class LoadReportError(ValueError):
    """Why a report cannot be read."""


def read_load_report(content: bytes) -> dict[str, Decimal]:
    """Values by metric, e.g. `http_req_duration.p(95)`; k6's own fields, or the names of a plain list."""
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as broken:
        raise LoadReportError("This is not JSON.") from broken
    if not isinstance(document, dict):
        raise LoadReportError("A report is an object with metrics (k6) or measurements.")
    if isinstance(document.get("metrics"), dict):
        found = dict(_k6(document["metrics"]))
    elif isinstance(document.get("measurements"), list):
        found = dict(_plain(document["measurements"]))
    else:
        raise LoadReportError("A report is an object with metrics (k6) or measurements.")
    if not found:
        raise LoadReportError("The report holds no measured value.")
    if len(found) > _MOST:
        raise LoadReportError(f"The report holds more than {_MOST} values.")
    return found


def _no_constant(name: str) -> Any:
    raise LoadReportError(f"{name} is no measured value.")


def _k6(metrics: dict[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """`--summary-export` has the values in the metric, `handleSummary` one level deeper."""
    for name, metric in metrics.items():
        if not isinstance(metric, dict):
            raise LoadReportError(f"metrics/{name}: an object is expected.")
        values = metric.get("values", metric)
        if not isinstance(values, dict):
            raise LoadReportError(f"metrics/{name}/values: an object is expected.")
        for field, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{name}.{field}"[:120], _number(value, f"metrics/{name}/{field}")


def _plain(rows: list[Any]) -> Iterator[tuple[str, Decimal]]:
    for index, row in enumerate(rows):
        at = f"measurements/{index}"
        if not isinstance(row, dict) or not isinstance(row.get("name"), str) or not row["name"].strip():
            raise LoadReportError(f"{at}: an object with name and value is expected.")
        value = row.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LoadReportError(f"{at}/value: a number is expected.")
        yield row["name"].strip()[:120], _number(value, at)


def _number(value: int | float, at: str) -> Decimal:
    if not math.isfinite(value) or abs(value) >= 10**10:
        raise LoadReportError(f"{at}: the value is out of bounds.")
    return round(Decimal(str(value)), 4)


def is_met(comparison: str, target: Decimal, value: Decimal) -> bool:
    """Whether a value meets its target; exactly the target does."""
    return value >= target if comparison == "at_least" else value <= target
