"""A delivery performance report: the five metrics of a period with their charts, for page, API and print alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from metrics.queries.dora import Rows, Wanted, rows_of
from metrics.rules.definitions import Metric
from metrics.rules.dora import LeadStart, Measure, five_metrics
from metrics.rules.dora_grid import Grid, dora_grid
from metrics.rules.periods import Bucket, Period
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id

LONGEST = 3_660
DEFAULT_DAYS = 90


@dataclass(frozen=True)
class Question:
    """What is asked: whose deployments, which days (the last one included), which start of lead time, which buckets."""

    wanted: Wanted
    first: date
    last: date
    start: LeadStart
    bucket: Bucket
    zone: str

    @property
    def period(self) -> Period:
        zone = ZoneInfo(self.zone)
        after = self.last + timedelta(days=1)
        return Period(datetime.combine(self.first, time(), zone), datetime.combine(after, time(), zone))


def question_from(given: Mapping[str, str], zone: str) -> Question:
    """Read a question from the parameters of an address; refuses what makes no sense, naming the field."""
    today = now().astimezone(ZoneInfo(zone)).date()
    last = _day(given, "until") or today
    first = _day(given, "from") or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        refuse("period.order", "The period ends before it begins.", field="until")
    if (last - first).days > LONGEST:
        refuse("period.length", "A period is at most ten years.", field="from")
    return Question(
        Wanted(*(_id(given, name) for name in ("train", "team", "service"))),
        first,
        last,
        _choice(given, "start", LeadStart, LeadStart.COMMITTED),
        _choice(given, "bucket", Bucket, Bucket.WEEK if (last - first).days <= 400 else Bucket.MONTH),
        zone,
    )


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        refuse("period.day", f"{text[:40]!r} is no day; write it as 2026-11-21.", field=name)
    if not 1990 <= day.year <= 2200:
        refuse("period.day", "That year is not covered.", field=name)
    return day


def _id(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if text and row_id(text) is None:
        refuse("filter.id", f"{name} is filtered by its id.", field=name)
    return text


def _choice(given: Mapping[str, str], name: str, kind: Any, default: Any) -> Any:
    text = given.get(name, "")
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        choices = ", ".join(each.value for each in kind)
        refuse("filter.choice", f"{name} is one of {choices}.", field=name)


@dataclass(frozen=True)
class Report:
    """The answer, with the rows it was computed from."""

    question: Question
    rows: Rows
    measures: dict[Metric, Measure]
    grid: Grid


def report(question: Question, by: str = "service") -> Report:
    """Compute the five metrics and the grid of groups and buckets."""
    rows = rows_of(question.period, question.wanted)
    measures = five_metrics(
        rows.log,
        rows.changes,
        rows.links,
        question.period,
        start=question.start,
        zone=question.zone,
        bucket=question.bucket,
    )
    grid = dora_grid(
        rows.log, rows.changes, rows.links, question.period, by=by, bucket=question.bucket, zone=question.zone,
        start=question.start,
    )  # fmt: skip
    return Report(question, rows, measures, grid)


def as_data(found: Report) -> dict[str, Any]:
    """The report as JSON data: values, units, counts, what was left out and why."""
    question = found.question
    return {
        "period": {"from": question.first, "until": question.last, "zone": question.zone},
        "lead_time_start": question.start.value,
        "metrics": {
            metric.value: {
                "title": m.definition.title,
                "value": m.value,
                "unit": m.unit,
                "counts": dict(m.counts),
                "percentiles": {str(k): v for k, v in m.percentiles.items()},
                "interval": list(m.interval) if m.interval else None,
                "sample": m.sample,
                "rows": len(m.used),
                "excluded": [
                    {"reason": e.reason, "sentence": e.sentence, "rows": len(e.ids)} for e in m.excluded
                ],
                "definition": {
                    "version": m.definition.version,
                    "text": m.definition.text,
                    "formula": m.definition.formula,
                },
            }
            for metric, m in found.measures.items()
        },
    }
