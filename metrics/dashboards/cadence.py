"""Cadence advice: other cadences tried on the train's own past."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from metrics.asking import Option, Question
from metrics.queries import cadence as queries
from metrics.queries.cadence import Past
from metrics.queries.dora import Wanted
from metrics.rules import association, cadence
from metrics.rules.cadence import Advice, Trial
from metrics.rules.samples import percentiles, wording
from planning.queries.forecast import throughput
from releasetrain.interface.charts import line_chart
from releasetrain.tenancy.models import row_id
from trains.models import Deployment, Release, Service, Train

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

TAKES = (
    ("0.5", "Half as long"),
    ("0.75", "A quarter shorter"),
    ("1", "As long as they did"),
    ("1.5", "Half longer"),
)
WORK = Option("work", "If releases took", TAKES, "1", help="From the freeze to production.")
DEFINITIONS = (
    Definition(
        "proposed",
        "Proposed cadence",
        "Of the cadences tried, the one with which 85 % of the changes would have been in production soonest, among"
        " those at which release work is busy at most 80 % of the time and at most 5 % of the cuts meet a release still"
        " under way. Changes arrive when they were merged; each simulated release takes as long as a past one, drawn anew in"
        f" each of {cadence.RUNS} runs.",
        "argmin over cadences of the 85th percentile of production − merged",
    ),
    Definition(
        "present",
        "Present cadence",
        "Days between releases that went live in the period. Where fewer than five releases know their freeze, builds that"
        " went to production stand for them.",
        "median of the days between releases",
    ),
    Definition(
        "lead_now",
        "Merged to production now",
        "Changes merged in the period, until their first production deployment, as recorded and not simulated.",
        "85th percentile of deployed − merged",
    ),
    Definition(
        "release_work",
        "Release work",
        "Releases of the period, from scope freeze to production; builds from their first deployment before production.",
        "median of released − frozen",
    ),
    Definition(
        "throughput",
        "Throughput",
        "Features finished in the last 26 weeks, quiet ones too.",
        "features ÷ weeks",
    ),
)


@dashboard(
    "cadence",
    title="Cadence",
    about="What other release cadences would have meant for this train's own changes.",
    definitions=DEFINITIONS,
    order=130,
    filters=("train", "service"),
    options=(WORK,),
    days=365,
    bucketed=False,
)
def advice(question: Question) -> Answer:
    """The trials of every cadence beside the present one."""
    train = _train(question.wanted)
    if train is None:
        return Answer(empty="There is no train yet whose past could be looked at.")
    past = queries.past_of(train, question.period)
    factor = float(question.options["work"])
    durations = [c.days * factor for c in past.cuts if c.days]
    # Services that deploy on their own have no common cadence to compare with.
    found = cadence.advise(past.ready, durations, None if past.by_builds else past.interval)
    batches = association.numeric(
        "changes", "Changes in a release", [(float(c.changes or c.items), c.bad) for c in past.cuts]
    )
    weeks = throughput(train, points=False, weeks=26)
    figures = _figures(
        past, found, durations, sum(w.done for w in weeks) / len(weeks) if weeks else None, len(weeks)
    )
    return Answer(
        figures=figures,
        charts=_charts(found),
        tables=[_trials(found)] if found.trials else [],
        quality=[
            Gap(f"{len(past.ready):,} changes merged in the period are in production."
                + (f" Only the latest {queries.MOST_DEPLOYMENTS:,} deployments were looked at." if past.cut else "")),
            Gap(f"{sum(c.days is not None for c in past.cuts)} of {len(past.cuts)} "
                f"{'builds were deployed elsewhere before' if past.by_builds else 'releases know their freeze'}.",
                sum(c.days is not None for c in past.cuts) / len(past.cuts) if past.cuts else None),
        ],
        notes=[
            f"{train.key} {train.name}. {found.refusal or found.sentence}",
            *(
                [_by_builds(past, found)] if past.by_builds and past.cuts else []
            ),
            f"Batch size against outcome: {batches.sentence} {association.CAUTION}",
            "Not simulated: that a shorter cadence changes how much is merged, or how long a release takes when it is"
            " smaller. Try another length of release work above.",
        ],
    )  # fmt: skip


def _by_builds(past: Past, found: Advice) -> str:
    """What it means that builds stand for releases, and whether the services' own pace is better."""
    said = (
        "Fewer than five releases know their freeze: builds stand for releases, as if all services of the train were released"
        " together."
    )
    if not past.leads or found.proposed is None:
        return said
    now = percentiles(past.leads, (85,))[85]
    better = (
        "sooner"
        if now < found.proposed.lead_85.low
        else "later"
        if now > found.proposed.lead_85.high
        else "no sooner"
    )
    return f"{said} Deployed on their own, 85 % of the changes were there within {now:.1f} days: {better} than by any of these."


def _train(wanted: Wanted) -> Train | None:
    """The train that is asked for; of several the one with the most services."""
    if wanted.service:
        service = Service.objects.select_related("train").filter(pk=wanted.service).first()
        return service.train if service else None
    rows = Train.objects.filter(archived_at__isnull=True)
    if wanted.train and (pk := row_id(wanted.train)):
        return Train.objects.filter(pk=pk).first()
    return rows.annotate(size=Count("services")).order_by("-size", "key").first()


def _figures(
    past: Past, found: Advice, durations: list[float], weekly: float | None, weeks: int
) -> list[Figure]:
    proposed = found.proposed
    leads = percentiles([d * 86_400 for d in past.leads])
    return [
        Figure(
            "proposed", "Proposed cadence", proposed.days if proposed else None, "days",
            note=f"85 % of changes within {proposed.lead_85.middle:.1f} days" if proposed else "",
            sample=found.refusal or wording(len(durations), "releases"),
        ),
        Figure(
            "present", "Present cadence", past.interval, "days", count=len(past.cuts), rows=lambda: _cuts(past),
            note="median between builds of all services" if past.by_builds else "median between releases",
            sample=wording(max(0, len(past.cuts) - 1), "intervals"),
        ),
        Figure(
            "lead_now", "Merged to production now", _p85(past.leads), "seconds", count=len(past.leads),
            note="85 % of changes, as recorded", sample=wording(len(past.leads), "changes"), percentiles=leads,
        ),
        Figure(
            "release_work", "Release work", percentiles([d * 86_400 for d in durations]).get(50), "seconds",
            count=len(durations), rows=lambda: _cuts(past), note="freeze to production, median",
            sample=wording(len(durations), "releases"), percentiles=percentiles([d * 86_400 for d in durations]),
        ),
        Figure(
            "throughput", "Throughput", weekly, "features a week", note=f"over {weeks} weeks", sample=wording(weeks, "weeks"),
        ),
    ]  # fmt: skip


def _p85(days: tuple[float, ...]) -> float | None:
    return percentiles([d * 86_400 for d in days], (85,)).get(85)


def _charts(found: Advice) -> list[Any]:
    if not found.trials:
        return []
    labels = [f"{t.days:g} d" for t in found.trials]
    return [
        line_chart(
            "Merged to production by cadence",
            labels,
            {
                "Median": [t.lead.middle for t in found.trials],
                "85 %": [t.lead_85.middle for t in found.trials],
            },
            unit="days",
        ),
        line_chart(
            "Release work busy by cadence",
            labels,
            {"Busy": [100 * t.busy for t in found.trials]},
            unit="%",
            target=("limit", 100 * cadence.BUSY),
        ),
    ]


def _trials(found: Advice) -> Table:
    rows = [_row(t, found) for t in found.trials]
    columns = (
        "Every", "Median", "85 %", "Between", "Changes a release", "95 %", "Busy", "Cuts that met another", "Releases a year",
        "Reading",
    )  # fmt: skip
    return Table(
        "Cadences tried",
        columns,
        rows,
        numbers=columns[1:9],
        note="Days from merged to production. Between: nine in ten runs have their 85th percentile there.",
    )


def _row(t: Trial, found: Advice) -> tuple[Any, ...]:
    said = cells.joined(
        (
            "Present." if found.present is t else "",
            "Proposed." if found.proposed is t else "",
            t.reason,
        )
    )
    return (
        cadence.every(t.days).replace(" ", "\u00a0"), f"{t.lead.middle:.1f}", f"{t.lead_85.middle:.1f}",
        f"{t.lead_85.low:.1f} to {t.lead_85.high:.1f}",
        f"{t.batch.middle:.0f}", f"{t.batch_95.middle:.0f}", cells.share(t.busy), cells.share(t.late_cuts.middle),
        f"{t.releases_a_year:.0f}", said or "Possible.",
    )  # fmt: skip


def _cuts(past: Past) -> Table:
    shown = past.cuts[-cells.ROWS :]
    model: Any = Deployment if past.by_builds else Release
    joined = ("service", "environment") if past.by_builds else ("train",)
    found = model.objects.filter(pk__in=[c.subject for c in shown]).select_related(*joined)
    subjects = {str(each.pk): each for each in found}
    rows = [
        (Link(str(subjects[c.subject]), subjects[c.subject]), c.began, c.live, cells.hours(c.days * 24) if c.days is not None else None, c.items,
         c.changes, "badly" if c.bad else "well")
        for c in reversed(shown)
        if c.subject in subjects
    ]  # fmt: skip
    return Table(
        "Builds" if past.by_builds else "Releases",
        (
            "Build" if past.by_builds else "Release",
            "Frozen or staged",
            "Live",
            "Release work",
            "Items",
            "Changes",
            "Went",
        ),
        rows,
        total=len(past.cuts),
        numbers=("Items", "Changes"),
    )
