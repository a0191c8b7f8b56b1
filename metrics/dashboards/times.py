"""Times to detect, acknowledge, mitigate and restore, by release cohort."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from metrics.asking import Option, Question
from metrics.queries import times as queries
from metrics.queries.times import STEPS, Timed
from metrics.rules.periods import Bucket
from metrics.rules.samples import percentiles, wording
from problems.models import Incident
from releasetrain.interface.charts import line_chart
from trains.models import Release

from . import cells
from .answer import Answer, Definition, Exclusion, Figure, Gap, Link, Table
from .registry import dashboard

TITLES = {
    "detect": "Time to detect",
    "acknowledge": "Time to acknowledge",
    "mitigate": "Time to mitigate",
    "restore": "Time to restore",
}
_OF = "Incidents that production deployments of the period caused or contributed to (accepted links)."
DEFINITIONS = (
    Definition("detect", TITLES["detect"], f"{_OF} Needs the moment it began.", "median of detected − began"),
    Definition(
        "acknowledge",
        TITLES["acknowledge"],
        f"{_OF} Somebody took it on.",
        "median of acknowledged − detected",
    ),
    Definition(
        "mitigate",
        TITLES["mitigate"],
        f"{_OF} Users no longer suffered. From the detection where the beginning is not known.",
        "median of mitigated (else resolved) − began",
    ),
    Definition(
        "restore",
        TITLES["restore"],
        f"{_OF} The incident was over. From the detection where the beginning is not known.",
        "median of resolved − began",
    ),
)
COHORT = Option("cohort", "Cohort", (("release", "Release"), ("month", "Month of release")), "release")


@dashboard(
    "times",
    title="Incident times",
    about="How long incidents of releases took to be seen, taken on, stopped and repaired.",
    definitions=DEFINITIONS,
    order=160,
    options=(COHORT,),
    days=365,
    bucketed=False,
)
def times(question: Question) -> Answer:
    """Each time with its percentiles, and cohort by cohort."""
    found = queries.incidents(question.period, question.wanted)
    if not found:
        return Answer(
            figures=[_figure(step, []) for step in STEPS],
            empty="No incident is laid to a production deployment of this period.",
        )
    cohorts = _cohorts(found, question)
    undated = sum(t.detect is None for t in found)
    return Answer(
        figures=[_figure(step, found) for step in STEPS],
        charts=_trend(found, question),
        tables=[_table(cohorts, question)],
        quality=[
            Gap(
                f"{len(found) - undated} of {len(found)} incidents say when they began.",
                1 - undated / len(found),
            ),
            Gap(
                f"{sum(t.acknowledge is not None for t in found)} of {len(found)} incidents say when they were taken on.",
                sum(t.acknowledge is not None for t in found) / len(found),
            ),
        ],
    )


def _figure(step: str, found: Sequence[Timed]) -> Figure:
    known = [t for t in found if getattr(t, step) is not None]
    seconds = percentiles([getattr(t, step) * 3600 for t in known])
    missing = len(found) - len(known)
    return Figure(
        step,
        TITLES[step],
        seconds.get(50),
        "seconds",
        count=len(known),
        rows=lambda: _incidents(known),
        note="median",
        sample=wording(len(known), "incidents"),
        percentiles=seconds,
        excluded=[Exclusion("unknown", "A moment it is measured from is not recorded.", missing)]
        if missing
        else [],
    )


def _cohorts(found: Sequence[Timed], question: Question) -> dict[Any, list[Timed]]:
    groups: dict[Any, list[Timed]] = {}
    for each in found:
        if question.options["cohort"] == "release":
            key: Any = (each.release_id, each.release or "Deployed outside releases")
        else:
            key = (None, f"{cells.bucket_of(each.deployed_at, Bucket.MONTH, question.zone):%B %Y}")
        groups.setdefault(key, []).append(each)
    return groups


def _table(cohorts: dict[Any, list[Timed]], question: Question) -> Table:
    releases = {
        r.pk: r
        for r in Release.objects.filter(pk__in=[pk for pk, _ in cohorts if pk]).select_related("train")
    }
    rows = []
    for (pk, label), each in list(cohorts.items())[: cells.ROWS]:
        medians = [
            cells.hours(percentiles([h for t in each if (h := getattr(t, step)) is not None], (50,)).get(50))
            for step in STEPS
        ]
        name: Any = Link(label, releases[pk]) if pk in releases else label
        rows.append((name, len(each), *medians, wording(len(each), "incidents")))
    return Table(
        "By cohort",
        ("Cohort", "Incidents", "Detect", "Acknowledge", "Mitigate", "Restore", "Sample"),
        rows,
        numbers=("Incidents", "Detect", "Acknowledge", "Mitigate", "Restore"),
        total=len(cohorts),
        note="Medians. An incident belongs to the earliest deployment that it is laid to.",
    )


def _trend(found: Sequence[Timed], question: Question) -> list[Any]:
    by_month: dict[date, list[Timed]] = {}
    for each in found:
        by_month.setdefault(cells.bucket_of(each.deployed_at, Bucket.MONTH, question.zone), []).append(each)
    months = sorted(by_month)
    if len(months) < 2:
        return []
    series: dict[str, list[float | None]] = {}
    for step in STEPS:
        medians: list[float | None] = []
        for month in months:
            hours = [h for t in by_month[month] if (h := getattr(t, step)) is not None]
            medians.append(percentiles(hours, (50,)).get(50))
        if any(m is not None for m in medians):
            series[step.capitalize()] = medians
    labels = [cells.label_of(m, Bucket.MONTH) for m in months]
    return [line_chart("Median hours by month of release", labels, series, unit="hours")] if series else []


def _incidents(known: Sequence[Timed]) -> Table:
    shown = known[: cells.ROWS]
    objects = {i.pk: i for i in Incident.objects.filter(pk__in=[t.id for t in shown])}
    rows = [
        (
            Link(t.label, objects[t.id]),
            t.severity,
            *(cells.hours(getattr(t, s)) for s in STEPS),
            t.release or None,
        )
        for t in shown
    ]
    return Table(
        "Incidents",
        ("Incident", "Severity", "Detect", "Acknowledge", "Mitigate", "Restore", "Release"),
        rows,
        total=len(known),
    )
