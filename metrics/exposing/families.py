"""Families of gauges, and their text in the format that the reader asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = tuple[Sequence[str], float | None]


def gauge(name: str, about: str, labels: Sequence[str], rows: Iterable[Row]) -> Any:
    """One family: rows of label values and a number; a row without a number is left out."""
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"releasetrain_{name}", about, labels=list(labels))
    for values, number in rows:
        if number is not None:
            family.add_metric([str(value) for value in values], float(number))
    return family


def one(name: str, about: str, number: float | None) -> Any:
    """A family with one number."""
    return gauge(name, about, (), [((), number)])


def counted(name: str, about: str, label: str, counts: Mapping[str, int]) -> Any:
    """A family with a number for each value of one label."""
    return gauge(name, about, (label,), [((key,), count) for key, count in sorted(counts.items())])


def exposition(families: Iterable[Any], accept: str) -> tuple[bytes, str]:
    """The text and its content type: OpenMetrics where it is asked for, else Prometheus's own."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    found = list(families)

    class Collector:
        def collect(self) -> list[Any]:
            return found

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())  # type: ignore[arg-type]
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
