"""Benchmarks: each metric against the published table of a report year, and what the other years would say."""

from __future__ import annotations

from metrics.asking import Question
from metrics.queries.quality import data_quality
from metrics.queries.rollup import groups_of
from metrics.report import PURPOSE, Report, purposes_of, report
from metrics.rules.definitions import DEFINITIONS, Metric
from metrics.rules.dora import LeadStart
from metrics.rules.rollup import by_service
from metrics.rules.speaking import spoken
from metrics.rules.tiers import CUT, TIERS, WITHOUT_TIERS, YEARS, tier

from .answer import Answer, Figure, Table
from .delivery import LEAD_START, REPORT_YEAR, gaps_of, published, quality_beside, rows_behind
from .registry import dashboard

RANKED = (
    Metric.DEPLOYMENT_FREQUENCY,
    Metric.CHANGE_LEAD_TIME,
    Metric.CHANGE_FAIL_RATE,
    Metric.RECOVERY_TIME,
)


@dashboard(
    "benchmarks",
    title="Benchmarks",
    about="The delivery metrics against DORA's published tables, by report year. Four figures, never one rank.",
    definitions=[published(DEFINITIONS[metric]) for metric in RANKED],
    order=25,
    options=(REPORT_YEAR, LEAD_START, PURPOSE),
)
def benchmarks(question: Question) -> Answer:
    """Tiers of one report year, with every year beside it."""
    found = report(question)
    year = int(question.options["year"])
    quality = data_quality(found.cells, question.period, question.wanted)
    answers = {metric: tier(metric, found.measures[metric].value, year) for metric in RANKED}
    figures = [
        Figure(
            metric.value,
            found.measures[metric].definition.title,
            found.measures[metric].value,
            found.measures[metric].unit,
            count=found.measures[metric].count,
            rows=lambda metric=metric: rows_behind(metric, question),  # type: ignore[misc]
            note=answers[metric].source or answers[metric].sentence,
            sample=found.measures[metric].sample,
            quality=quality_beside(metric, quality),
            interval=found.measures[metric].interval,
            band=answers[metric].tier or "no tier",
        )
        for metric in RANKED
    ]
    return Answer(
        figures,
        tables=[_published(year), _by_year(found), _by_service(found, year)],
        quality=gaps_of(quality),
        notes=list(dict.fromkeys([_remark(year), f"Our {CUT}"])),
    )


def _remark(year: int) -> str:
    if year in WITHOUT_TIERS:
        return WITHOUT_TIERS[year]
    report_of = YEARS[year]
    second_hand = "" if report_of.verified else " Part of this year's table is second-hand."
    return f"{report_of.source}. {report_of.remark}{second_hand}".strip()


def _published(year: int) -> Table:
    """The table of the year as it was published."""
    if year not in YEARS:
        return Table(
            f"As published in {year}", ("Metric",), [], empty=WITHOUT_TIERS.get(year, "No table on file.")
        )
    table = YEARS[year].table
    named = [name for name in TIERS if any(name in bands for bands in table.values())]
    rows = [
        (DEFINITIONS[m].title, *(table[m][name].text if name in table[m] else None for name in named))
        for m in RANKED
    ]
    return Table(
        f"As published in {year}", ("Metric", *(n.capitalize() for n in named)), rows, note=YEARS[year].source
    )


def _by_year(found: Report) -> Table:
    """What each report year would call the same values."""
    years = sorted({*YEARS, *WITHOUT_TIERS})
    rows = []
    for metric in RANKED:
        value = found.measures[metric].value
        said = " ".join(spoken(found.measures[metric].unit, value)).strip()
        named = [tier(metric, value, year).tier for year in years]
        rows.append((DEFINITIONS[metric].title, said, *(name or "–" for name in named)))
    return Table(
        "The same values in every report year",
        ("Metric", "Value", *map(str, years)),
        rows,
        note="The reports' clusters differ from year to year: another word is no change of ours.",
    )


def _by_service(found: Report, year: int) -> Table:
    """Each service's own values and tiers."""
    names = groups_of(found.cells.services, "service")
    question = found.question
    values = by_service(
        found.cells, question.period, start=LeadStart(question.start), purposes=purposes_of(question)
    )
    rows = []
    for service, name in sorted(names.items(), key=lambda pair: pair[1]):
        cells: list[str] = []
        for metric in RANKED:
            value = values[service][metric]
            word = tier(metric, value, year).tier
            said = " ".join(spoken(DEFINITIONS[metric].unit, value)).strip()
            cells.append(f"{said} ({word})" if word else said)
        rows.append((name, *cells))
    return Table("By service", ("Service", *(DEFINITIONS[m].title for m in RANKED)), rows)
