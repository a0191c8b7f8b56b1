"""Samples in the text formats of Prometheus and OpenMetrics, read by prometheus_client."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

_COUNTING = {"counter", "histogram", "summary"}
_COUNTED = ("_total", "_count", "_bucket", "_sum")


class ExpositionError(ValueError):
    """Why a text is no exposition, as a sentence."""


@dataclass(frozen=True)
class Sample:
    """One value of one series; no moment: it holds when it arrives."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None
    counter: bool = False
    unit: str = ""
    help: str = ""


def samples(text: str, *, openmetrics: bool | None = None) -> Iterator[Sample]:
    """Every finite sample of the text. OpenMetrics ends with `# EOF`; without it, it is Prometheus's own format."""
    if openmetrics is None:
        openmetrics = text.rstrip().endswith("# EOF")
    if openmetrics:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
    else:
        from prometheus_client.parser import text_string_to_metric_families as families
    try:
        for family in families(text):
            counting = family.type in _COUNTING
            for sample in family.samples:
                if sample.name.endswith("_created") or not math.isfinite(sample.value):
                    continue
                yield Sample(
                    name=sample.name,
                    value=float(sample.value),
                    labels={str(key): str(value) for key, value in sample.labels.items()},
                    at=_moment(sample.timestamp),
                    counter=counting and (family.type == "counter" or sample.name.endswith(_COUNTED)),
                    unit=family.unit or "",
                    help=(family.documentation or "")[:300],
                )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ExpositionError(f"This is no exposition that can be read: {str(error)[:200]}") from error


def _moment(timestamp: object) -> datetime | None:
    """The moment of a sample: seconds in OpenMetrics; the parser has divided Prometheus's milliseconds already."""
    if timestamp is None:
        return None
    try:
        return datetime.fromtimestamp(float(timestamp), UTC)  # type: ignore[arg-type]
    except (OverflowError, OSError, ValueError) as error:
        raise ExpositionError(f"{timestamp} is no moment.") from error
