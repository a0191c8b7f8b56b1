"""Predictability, aging and effort as series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metrics.asking import Question
from metrics.queries import planned as queries
from metrics.queries.planned import Aging, Beat, Hours
from metrics.rules.periods import Bucket
from metrics.rules.samples import wording
from planning.rules.effort import ENOUGH
from planning.rules.predictability import HEALTHY_FROM, HEALTHY_TO
from releasetrain.interface.charts import line_chart
from releasetrain.kernel.clock import now

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

DEFINITIONS = (
    Definition(
        "predictability",
        "Predictability",
        "Program Increments that ended in the period, by the business value of their objectives. Uncommitted objectives count"
        f" above the line only. {HEALTHY_FROM} to {HEALTHY_TO} % is healthy.",
        "Σ actual value of all ÷ Σ planned value of committed objectives",
    ),
    Definition(
        "median_age",
        "Age of open features",
        "Open features, from when they were made until now or the end of the week shown.",
        "median of now − made",
    ),
    Definition(
        "stale",
        "Stale features",
        "Open features that stand in their state longer than 85 % of the features that have left it (a usual number of days,"
        " while fewer than ten have).",
        "count",
    ),
    Definition(
        "effort",
        "Actual to planned effort",
        "Work finished in the period that had an estimate and hours logged.",
        "Σ hours taken ÷ Σ hours planned",
    ),
)


@dashboard(
    "planning",
    title="Planning",
    about="Whether plans hold: predictability, ages of what is open, and hours against estimates.",
    definitions=DEFINITIONS,
    order=165,
    filters=("train", "team"),
    days=365,
    bucketed=False,
)
def planning(question: Question) -> Answer:
    """The three series and what they are made of."""
    beats = queries.beats(question.period, question.wanted)
    aged = queries.ages(question.period, question.wanted, question.zone, now())
    hours = queries.efforts(question.period, question.wanted, question.zone)
    last = aged.weeks[-1] if aged.weeks else None
    if not beats and not hours and not (last and any(w.open for w in aged.weeks)):
        return Answer(
            empty="No Program Increment ended, no feature was open and no work was finished in this period."
        )
    taught = queries.experience(hours)
    return Answer(
        figures=_figures(beats, aged, hours, question, taught),
        charts=_charts(beats, aged, hours),
        tables=[_beats(beats), _stale(aged), _efforts(hours)],
        quality=[
            Gap(f"{sum(b.scored for b in beats)} of {sum(b.objectives for b in beats)} objectives have an actual value.",
                sum(b.scored for b in beats) / sum(b.objectives for b in beats))
        ] if beats else [],
    )  # fmt: skip


def _figures(
    beats: Sequence[Beat], aged: Aging, hours: Sequence[Hours], question: Question, taught: Any
) -> list[Figure]:
    latest = beats[-1] if beats else None
    percent = latest.result.total.percent if latest else None
    healthy = percent is not None and HEALTHY_FROM <= percent <= HEALTHY_TO
    last = aged.weeks[-1] if aged.weeks else None
    return [
        Figure(
            "predictability", "Predictability", percent / 100 if percent is not None else None, "share", count=len(beats),
            rows=lambda: _beats(beats), note=f"{latest.pi.train.key} {latest.pi.name}" if latest else "",
            sample=wording(latest.objectives, "objectives") if latest else "",
            band="" if percent is None else "healthy" if healthy else "outside 80 to 100 %",
            tone="ok" if healthy else "warn",
        ),
        Figure(
            "median_age", "Age of open features", last.median * 86_400 if last and last.median is not None else None, "seconds",
            count=last.open if last else 0, rows=lambda: _weeks(aged),
            note=f"median of {last.open}, week of {last.day:%d %b}" if last else "",
            sample=wording(last.open, "features") if last else "",
        ),
        Figure("stale", "Stale features", len(aged.stale), "features", count=len(aged.stale), rows=lambda: _stale(aged),
               note="as of now"),
        Figure(
            "effort", "Actual to planned effort", taught.ratio if taught.known else None, "times", count=taught.count,
            rows=lambda: _work(question), note=f"{taught.actual:g} hours for {taught.planned:g}",
            sample=wording(taught.count, "items") if taught.known else f"Known from {ENOUGH} finished items on.",
        ),
    ]  # fmt: skip


def _charts(beats: Sequence[Beat], aged: Aging, hours: Sequence[Hours]) -> list[Any]:
    charts: list[Any] = []
    if len(beats) > 1:
        trains = list(dict.fromkeys(b.pi.train.key for b in beats))[:5]
        labels = list(dict.fromkeys(b.pi.name for b in beats))
        of = {(b.pi.train.key, b.pi.name): b.result.total.percent for b in beats}
        charts.append(
            line_chart(
                "Predictability by Program Increment",
                labels,
                {train: [of.get((train, name)) for name in labels] for train in trains},
                unit="%",
                target=("80 %", HEALTHY_FROM),
            )
        )
    if len(aged.weeks) > 1 and any(w.open for w in aged.weeks):
        labels = [f"{w.day:%d %b}" for w in aged.weeks]
        charts.append(
            line_chart(
                "Age of open features", labels, {"Median": [w.median for w in aged.weeks]}, unit="days"
            )
        )
        charts.append(
            line_chart(
                "Open and stale features",
                labels,
                {"Open": [float(w.open) for w in aged.weeks], "Stale": [float(w.stale) for w in aged.weeks]},
                unit="features",
            )
        )
    months = sorted({h.month for h in hours})
    if len(months) > 1:
        teams = sorted({h.team for h in hours})[:5]
        of_team = {(h.team, h.month): h.actual / h.planned for h in hours if h.items >= ENOUGH}
        series = {team: [of_team.get((team, m)) for m in months] for team in teams}
        series = {team: values for team, values in series.items() if any(v is not None for v in values)}
        if series:
            charts.append(
                line_chart(
                    "Actual ÷ planned hours by month",
                    [cells.label_of(m, Bucket.MONTH) for m in months],
                    series,
                    unit="times",
                    target=("as planned", 1.0),
                )
            )
    return charts


def _beats(beats: Sequence[Beat]) -> Table:
    rows: list[tuple[Any, ...]] = []
    for b in reversed(beats):
        rows.append((Link(f"{b.pi.train.key} {b.pi.name}", b.pi), "Train", b.result.total.planned, b.result.total.actual,
                     _percent(b.result.total.percent), b.result.total.sentence))  # fmt: skip
        rows += [
            (None, team.name, team.planned, team.actual, _percent(team.percent), team.sentence)
            for team in b.result.teams
        ]
    columns = ("Program Increment", "Team", "Planned value", "Actual value", "Predictability", "Reading")
    return Table("Predictability", columns, rows[: cells.ROWS], numbers=columns[2:5], total=len(rows),
                 empty="No Program Increment with scored objectives ended in this period.")  # fmt: skip


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"


def _stale(aged: Aging) -> Table:
    rows = [
        (
            Link(f"{f.key} {f.title}", f),
            f.team.name if f.team else None,
            f.get_state_display(),
            f"{days:.0f}",
            f"{limit:.0f}",
        )
        for f, days, limit in aged.stale[: cells.ROWS]
    ]
    return Table("Stale features", ("Feature", "Team", "State", "Days in it", "Long after"), rows,
                 numbers=("Days in it", "Long after"), total=len(aged.stale), empty="No open feature is stale.")  # fmt: skip


def _weeks(aged: Aging) -> Table:
    rows = [
        (w.day, w.open, f"{w.median:.0f}" if w.median is not None else None,
         f"{w.oldest:.0f}" if w.oldest is not None else None, w.stale)
        for w in reversed(aged.weeks)
    ]  # fmt: skip
    columns = ("Week of", "Open", "Median days", "Oldest", "Stale")
    return Table("Ages week by week", columns, rows, numbers=columns[1:])


def _efforts(hours: Sequence[Hours]) -> Table:
    rows = [
        (
            cells.label_of(h.month, Bucket.MONTH),
            h.team,
            h.items,
            f"{h.planned:g}",
            f"{h.actual:g}",
            f"{h.actual / h.planned:.2f}",
            wording(h.items, "items"),
        )
        for h in reversed(hours)
    ]
    columns = ("Month", "Team", "Items", "Hours planned", "Hours taken", "Ratio", "Sample")
    return Table("Effort by month and team", columns, rows[: cells.ROWS], numbers=columns[2:6], total=len(rows),
                 empty="No work with estimate and hours was finished in this period.")  # fmt: skip


def _work(question: Question) -> Table:
    chosen = queries.finished_work(question.period, question.wanted)
    rows = [
        (
            Link(f"{w.key} {w.title}", w),
            w.team.name,
            float(w.estimate_hours or 0),
            float(w.spent_hours),
            w.finished_at,
        )
        for w in chosen.select_related("team").order_by("-finished_at")[: cells.ROWS]
    ]
    columns = ("Work item", "Team", "Hours planned", "Hours taken", "Finished")
    return Table("Finished work", columns, rows, numbers=columns[2:4], total=chosen.count())
