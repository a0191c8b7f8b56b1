"""Performance tiers by report year; an answer always names its year and its cut."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from metrics.rules.definitions import Metric

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 604_800.0
MONTH = 730 * HOUR
"""A twelfth of 365 days."""
HALF_YEAR = 6 * MONTH

TIERS = ("elite", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Band:
    """A published range in seconds, deployments per day, or a share. `point` marks a cluster's median: there
    was no range. Times hold their lower end, shares their upper end, frequencies both."""

    text: str
    low: float
    high: float
    point: bool = False


ON_DEMAND = Band("on demand (multiple per day)", 1.0, inf)
ON_DEMAND_2023 = Band("on demand", 1.0, inf)
HOUR_DAY = Band("once per hour .. once per day", 1.0, 24.0)
DAY_WEEK = Band("once per day .. once per week", 1 / 7, 1.0)
WEEK_MONTH = Band("once per week .. once per month", DAY / MONTH, 1 / 7)
MONTH_HALF_YEAR = Band("once per month .. once every 6 months", DAY / HALF_YEAR, DAY / MONTH)
RARER = Band("fewer than once per 6 months", 0.0, DAY / HALF_YEAR)

UNDER_HOUR = Band("< 1 hour", 0.0, HOUR)
UNDER_DAY = Band("< 1 day", 0.0, DAY)
DAY_TO_WEEK = Band("1 day .. 1 week", DAY, WEEK)
WEEK_TO_MONTH = Band("1 week .. 1 month", WEEK, MONTH)
MONTH_TO_HALF_YEAR = Band("1 month .. 6 months", MONTH, HALF_YEAR)
OVER_HALF_YEAR = Band("> 6 months", HALF_YEAR, inf)


def _percent(low: int, high: int) -> Band:
    # The questionnaire's answers are whole percents; between 15 and 16 the upper answer begins.
    return Band(f"{low}-{high}%", (low - 1) / 100 if low else 0.0, high / 100)


def _median(share: int) -> Band:
    return Band(f"{share}%", share / 100, share / 100, point=True)


@dataclass(frozen=True, slots=True)
class Year:
    """One report's table: metric → tier → band. `verified` is false where only second-hand values were at
    hand."""

    year: int
    source: str
    verified: bool
    table: dict[Metric, dict[str, Band]]
    remark: str = ""


def _year(
    year: int,
    tiers: str,
    frequency: tuple[Band, ...],
    lead: tuple[Band, ...],
    *,
    fail: tuple[Band, ...],
    recovery: tuple[Band, ...],
    verified: bool = True,
    remark: str = "",
) -> Year:
    names = tiers.split()
    columns = {
        Metric.DEPLOYMENT_FREQUENCY: frequency,
        Metric.CHANGE_LEAD_TIME: lead,
        Metric.CHANGE_FAIL_RATE: fail,
        Metric.RECOVERY_TIME: recovery,
    }
    table = {metric: dict(zip(names, bands, strict=True)) for metric, bands in columns.items()}
    kind = "Accelerate State of DevOps" if year > 2017 else "State of DevOps"
    return Year(year, f"{kind} {year}", verified, table, remark)


_ALL, _NO_ELITE = "elite high medium low", "high medium low"

YEARS: dict[int, Year] = {
    each.year: each
    for each in (
        _year(
            2018,
            _ALL,
            (ON_DEMAND, HOUR_DAY, WEEK_MONTH, WEEK_MONTH),
            (UNDER_HOUR, DAY_TO_WEEK, WEEK_TO_MONTH, MONTH_TO_HALF_YEAR),
            fail=(_percent(0, 15), _percent(0, 15), _percent(0, 15), _percent(46, 60)),
            recovery=(UNDER_HOUR, UNDER_DAY, UNDER_DAY, WEEK_TO_MONTH),
            remark="Medium and low share one frequency, elite, high and medium one fail rate; frequencies of a day to a "
            "week, and lead times of an hour to a day, belong to no cluster.",
        ),
        _year(
            2019,
            _ALL,
            (ON_DEMAND, DAY_WEEK, WEEK_MONTH, MONTH_HALF_YEAR),
            (UNDER_DAY, DAY_TO_WEEK, WEEK_TO_MONTH, MONTH_TO_HALF_YEAR),
            fail=(_percent(0, 15), _percent(0, 15), _percent(0, 15), _percent(46, 60)),
            recovery=(UNDER_HOUR, UNDER_DAY, UNDER_DAY, WEEK_TO_MONTH),
            remark="Elite, high and medium share one fail rate; 16–45 % belongs to no cluster.",
        ),
        _year(
            2021,
            _ALL,
            (ON_DEMAND, WEEK_MONTH, MONTH_HALF_YEAR, RARER),
            (UNDER_HOUR, DAY_TO_WEEK, MONTH_TO_HALF_YEAR, OVER_HALF_YEAR),
            fail=(_percent(0, 15), _percent(16, 30), _percent(16, 30), _percent(16, 30)),
            recovery=(UNDER_HOUR, UNDER_DAY, DAY_TO_WEEK, OVER_HALF_YEAR),
            remark="High, medium and low share one fail rate; lead times of an hour to a day, and of a week "
            "to a month, belong to no cluster.",
        ),
        _year(
            2022,
            _NO_ELITE,
            (ON_DEMAND, WEEK_MONTH, MONTH_HALF_YEAR),
            (DAY_TO_WEEK, WEEK_TO_MONTH, MONTH_TO_HALF_YEAR),
            fail=(_percent(0, 15), _percent(16, 30), _percent(46, 60)),
            recovery=(UNDER_DAY, DAY_TO_WEEK, WEEK_TO_MONTH),
            verified=False,
            remark="No elite cluster was found that year.",
        ),
        _year(
            2023,
            _ALL,
            (ON_DEMAND_2023, DAY_WEEK, WEEK_MONTH, WEEK_MONTH),
            (UNDER_DAY, DAY_TO_WEEK, WEEK_TO_MONTH, WEEK_TO_MONTH),
            fail=(_median(5), _median(10), _median(15), _median(64)),
            recovery=(UNDER_HOUR, UNDER_DAY, DAY_TO_WEEK, MONTH_TO_HALF_YEAR),
            verified=False,
            remark="Medium and low share frequency and lead time. Fail rates are cluster medians.",
        ),
        _year(
            2024,
            _ALL,
            (ON_DEMAND, DAY_WEEK, WEEK_MONTH, MONTH_HALF_YEAR),
            (UNDER_DAY, DAY_TO_WEEK, WEEK_TO_MONTH, MONTH_TO_HALF_YEAR),
            fail=(_median(5), _median(20), _median(10), _median(40)),
            recovery=(UNDER_HOUR, UNDER_DAY, UNDER_DAY, WEEK_TO_MONTH),
            remark="The high cluster's fail rate (20 %) is worse than the medium cluster's (10 %), so a fail "
            "rate alone does not order the two. Fail rates are cluster medians.",
        ),
    )
}

WITHOUT_TIERS = {
    2020: "DORA published no cluster table in 2020.",
    2025: "DORA published no tiers in 2025: team profiles and distributions took their place.",
}

CUT = (
    "cut: the best tier whose published figure the value reaches; whatever reaches none is low. "
    "A month is 730 hours. The published ranges are clusters that overlap and leave gaps, not thresholds."
)


@dataclass(frozen=True, slots=True)
class TierAnswer:
    """The tier by this product's cut, and apart from it the tiers whose published range holds the value."""

    metric: Metric
    year: int
    tier: str | None
    published: tuple[str, ...]
    sentence: str
    source: str
    verified: bool


def tier(metric: Metric | str, value: float | None, year: int) -> TierAnswer:
    """The tier of a value (seconds, deployments per day, or share) in a report year's table."""
    metric = Metric(metric)

    def none(sentence: str, source: str = "", verified: bool = True) -> TierAnswer:
        return TierAnswer(metric, year, None, (), sentence, source, verified)

    if year not in YEARS:
        return none(WITHOUT_TIERS.get(year, f"No table of the year {year} is on file."))
    report = YEARS[year]
    if metric not in report.table:
        return none(f"The {year} report has no tiers for this metric.", report.source, report.verified)
    if value is None:
        return none("There is no value, so there is no tier.", report.source, report.verified)
    if not value >= 0:
        raise ValueError("A tier is asked for a number of zero or more.")
    bands = report.table[metric]
    best = next((name for name, band in bands.items() if _reaches(metric, value, band)), "low")
    published = tuple(name for name, band in bands.items() if _holds(metric, value, band))
    parts = [f"{best} by the {report.source} table, {CUT}"]
    if not published and not any(band.point for band in bands.values()):
        parts.append("The value lies in no published range.")
    parts += [report.remark] if report.remark else []
    if not report.verified:
        parts.append("Part of this year's table is second-hand.")
    return TierAnswer(metric, year, best, published, " ".join(parts), report.source, report.verified)


def _reaches(metric: Metric, value: float, band: Band) -> bool:
    """At least as good as the worse end of the band."""
    if metric is Metric.DEPLOYMENT_FREQUENCY:
        return value > band.low if band.high == inf else value >= band.low
    return value <= band.high if metric is Metric.CHANGE_FAIL_RATE else value < band.high


def _holds(metric: Metric, value: float, band: Band) -> bool:
    if metric is Metric.DEPLOYMENT_FREQUENCY:
        if band is RARER:
            return value < band.high
        return band.low <= value <= band.high and not (band.high == inf and value == band.low)
    if metric is Metric.CHANGE_FAIL_RATE:
        return value == band.high if band.point else (band.low < value <= band.high or value == band.low == 0)
    return band.low <= value < band.high


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the questionnaire: 1 is worst, 6 is best."""

    score: int
    text: str


_TIME_ANSWERS = (
    (HOUR, Answer(6, "Less than one hour")),
    (DAY, Answer(5, "Less than one day")),
    (WEEK, Answer(4, "One day to one week")),
    (MONTH, Answer(3, "One week to one month")),
    (HALF_YEAR, Answer(2, "One to six months")),
    (inf, Answer(1, "More than six months")),
)
_FREQUENCY_ANSWERS = (
    (DAY / HALF_YEAR, Answer(1, "Less than once per six months")),
    (DAY / MONTH, Answer(2, "Between once per month and once every six months")),
    (1 / 7, Answer(3, "Between once per week and once per month")),
    (1.0, Answer(4, "Between once per day and once per week")),
    (24.0, Answer(5, "Between once per hour and once per day")),
    (inf, Answer(6, "On demand (multiple deploys per day)")),
)


def questionnaire_answer(metric: Metric | str, value: float) -> Answer:
    """The answer that a team with this value would tick. A value on an edge belongs to the slower answer for
    times and to the more frequent one for frequencies. "On demand" has no number of its own and begins
    above one deployment per hour."""
    metric = Metric(metric)
    scale = _FREQUENCY_ANSWERS if metric is Metric.DEPLOYMENT_FREQUENCY else _TIME_ANSWERS
    if metric not in (Metric.DEPLOYMENT_FREQUENCY, Metric.CHANGE_LEAD_TIME, Metric.RECOVERY_TIME):
        raise ValueError("Shares are answered in percent, not on the six-step scale.")
    return next((answer for edge, answer in scale if value < edge), scale[-1][1])


FAIL_RATE_ANSWERS = (
    (0.15, "0-15%"),
    (0.30, "16-30%"),
    (0.45, "31-45%"),
    (0.60, "46-60%"),
    (0.75, "61-75%"),
    (1.00, "76-100%"),
)


def fail_rate_answer(share: float) -> str:
    """The questionnaire's class of a change fail rate, edges in the lower class."""
    return next(text for edge, text in FAIL_RATE_ANSWERS if share <= edge)
