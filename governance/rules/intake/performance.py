"""Load tests: the end-of-test summary of k6, and the samples (JTL) of JMeter as CSV or XML."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 - the type; parsing is defusedxml

from .errors import ReportError
from .json_node import Node
from .values import clean
from .xml_tree import children, local

MAX_SAMPLES = 1_000_000
_LISTED = 50


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit that the load test itself holds."""

    metric: str
    rule: str
    kept: bool


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """What a load test measured; durations in milliseconds, rates per second, errors as a share of one."""

    format: str
    requests: int
    errors: float
    rate: float
    average: float
    median: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    longest: float | None
    checks_failed: int
    thresholds: tuple[Threshold, ...]
    problems: tuple[str, ...] = ()


def is_k6(body: Any) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("metrics"), dict):
        return False
    return bool({"http_req_duration", "iterations", "iteration_duration", "vus"} & body["metrics"].keys())


def read_k6(body: Any) -> PerformanceReport:
    """A summary as `handleSummary` gives it or as `--summary-export` writes it."""
    top = Node(body)
    metrics = top.object("metrics")

    def values(name: str) -> Node:
        metric = metrics.object(name)
        return metric.object("values") if metric.has("values") else metric

    def number(node: Node, *keys: str) -> float | None:
        found = next((node.decimal(key) for key in keys if node.decimal(key) is not None), None)
        return float(found) if found is not None else None

    duration = (
        values("http_req_duration") if metrics.has("http_req_duration") else values("iteration_duration")
    )
    counted = values("http_reqs") if metrics.has("http_reqs") else values("iterations")
    requests = number(counted, "count")
    average = number(duration, "avg")
    if requests is None or average is None:
        raise ReportError("missing", "metrics.http_reqs.count or metrics.http_req_duration.avg is missing.")
    failed = values("http_req_failed")
    errors = number(failed, "rate", "value")
    return PerformanceReport(
        format="k6 summary",
        requests=int(requests),
        errors=errors or 0.0,
        rate=number(counted, "rate") or 0.0,
        average=average,
        median=number(duration, "med"),
        p90=number(duration, "p(90)"),
        p95=number(duration, "p(95)"),
        p99=number(duration, "p(99)"),
        longest=number(duration, "max"),
        checks_failed=int(number(values("checks"), "fails") or 0),
        thresholds=tuple(_thresholds(metrics)),
    )


def _thresholds(metrics: Node) -> Iterator[Threshold]:
    for name in metrics.value:
        metric = metrics.object(name)
        listed = metric.object("thresholds")
        for rule, told in listed.value.items():
            if isinstance(told, dict):
                kept = told.get("ok") is True
            elif isinstance(told, bool):
                # --summary-export writes whether the threshold was crossed.
                kept = not told
            else:
                raise ReportError("wrong_format", f"{listed.place(clean(rule, 60))} is no threshold.")
            yield Threshold(clean(name, 120), clean(rule, 120), kept)


def looks_like_jtl(head: str) -> bool:
    names = head.splitlines()[0].replace(";", ",").replace("\t", ",").split(",") if head else []
    return {"timeStamp", "elapsed", "label", "success"} <= {name.strip() for name in names}


def read_jtl_csv(data: bytes) -> PerformanceReport:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReportError("encoding", "The file is no UTF-8.", line) from error
    delimiter = max(",;\t", key=text.splitlines()[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def samples() -> Iterator[tuple[int, int, bool]]:
        names = [name.strip() for name in next(rows)]
        at = {name: names.index(name) for name in ("timeStamp", "elapsed", "success")}
        for row in rows:
            if not row:
                continue
            try:
                started, elapsed = int(row[at["timeStamp"]]), int(row[at["elapsed"]])
                word = row[at["success"]].strip().lower()
            except (ValueError, IndexError) as error:
                raise ReportError("bad_value", "The row is no sample.", rows.line_num) from error
            if word not in ("true", "false") or not 0 <= elapsed < 2**40 or not 0 <= started < 2**53:
                raise ReportError("bad_value", "The row is no sample.", rows.line_num)
            yield started, elapsed, word == "true"

    try:
        return _summed("JMeter CSV", samples())
    except csv.Error as error:
        raise ReportError("not_csv", f"The file is no CSV: {error}.", rows.line_num) from error


def read_jtl_xml(root: Element) -> PerformanceReport:
    def samples() -> Iterator[tuple[int, int, bool]]:
        for number, item in enumerate(root, 1):
            if local(item) not in ("sample", "httpSample"):
                continue
            try:
                started, elapsed = int(item.get("ts", "")), int(item.get("t", ""))
            except ValueError as error:
                raise ReportError("bad_value", f"Sample {number} has no time ts or t.") from error
            yield (
                started,
                elapsed,
                item.get("s") == "true"
                and not any(
                    (part.text or "").strip() == "true"
                    for result in children(item, "assertionResult")
                    for part in result
                    if local(part) in ("failure", "error")
                ),
            )

    return _summed("JMeter XML", samples())


def _summed(format: str, samples: Iterable[tuple[int, int, bool]]) -> PerformanceReport:
    times: list[int] = []
    failed, first, last = 0, None, 0
    for started, elapsed, good in samples:
        if len(times) >= MAX_SAMPLES:
            raise ReportError("too_many", f"The file has more than {MAX_SAMPLES} samples.")
        times.append(elapsed)
        failed += not good
        first = started if first is None else min(first, started)
        last = max(last, started + elapsed)
    if not times or first is None:
        raise ReportError("no_data", "The file has no samples.")
    times.sort()
    seconds = max((last - first) / 1000, 0.001)

    def share(percent: float) -> float:
        return float(times[min(len(times) - 1, math.ceil(percent / 100 * len(times)) - 1)])

    return PerformanceReport(
        format=format,
        requests=len(times),
        errors=failed / len(times),
        rate=len(times) / seconds,
        average=sum(times) / len(times),
        median=share(50),
        p90=share(90),
        p95=share(95),
        p99=share(99),
        longest=float(times[-1]),
        checks_failed=0,
        thresholds=(),
    )
