"""What each delivery metric means here, in the words the product shows, with versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    DEPLOYMENT_FREQUENCY = "deployment_frequency"
    CHANGE_LEAD_TIME = "change_lead_time"
    CHANGE_FAIL_RATE = "change_fail_rate"
    RECOVERY_TIME = "failed_deployment_recovery_time"
    REWORK_RATE = "deployment_rework_rate"


@dataclass(frozen=True, slots=True)
class Definition:
    """`version` grows with every change of the words or of the arithmetic; a chart draws a break there."""

    metric: Metric
    version: int
    title: str
    unit: str
    text: str
    formula: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Where another published implementation computes something else on purpose."""

    other: str
    topic: str
    theirs: str
    ours: str


COUNTED = (
    "A deployment counts when it finished inside the period, went to a production environment and reached "
    "it: "
    "succeeded, failed there, or was rolled back. Roll-backs and fixes are deployments too. Aborted, "
    "unfinished and "
    "non-production ones are listed as left out."
)

DEFINITIONS: dict[Metric, Definition] = {
    each.metric: each
    for each in (
        Definition(
            Metric.DEPLOYMENT_FREQUENCY,
            1,
            "Deployment frequency",
            "per day",
            "How often changes are deployed to production. Empty days, weeks and months count as zero; "
            "medians over "
            "buckets leave out those the period covers only in part. Nothing recorded at all gives no value, "
            "not zero.",
            "deployments ÷ days of the period",
        ),
        Definition(
            Metric.CHANGE_LEAD_TIME,
            1,
            "Change lead time",
            "seconds",
            "The time from the chosen start of a change (committed, merge request opened, or merged) to the "
            "first "
            "production deployment of the service that contains it. A change counts once for each service, "
            "in the "
            "period of that first deployment. A change without the start, or deployed before it, is listed "
            "as left out.",
            "median of (deployed − start) over changes",
        ),
        Definition(
            Metric.CHANGE_FAIL_RATE,
            1,
            "Change fail rate",
            "share",
            "The share of deployments that needed immediate intervention: the deployment failed in "
            "production or was "
            "rolled back, or an accepted link says that it caused a failure. Several failures of one "
            "deployment count "
            "once; a failure with several causes counts for each. Proposed and disputed links, and "
            "deployments still "
            "under observation, are listed as left out.",
            "distinct failed deployments ÷ distinct deployments",
        ),
        Definition(
            Metric.RECOVERY_TIME,
            1,
            "Failed deployment recovery time",
            "seconds",
            "The time from the start of the failure that a deployment caused (or from the deployment, where "
            "no start "
            "is recorded or this is chosen) until service was restored; not until the next deployment. With "
            "several "
            "failures, from the first start to the last restoration. Failed deployments of the period that "
            "are not "
            "restored yet are listed as left out.",
            "median of (restored − failure started) over failed deployments",
        ),
        Definition(
            Metric.REWORK_RATE,
            1,
            "Deployment rework rate",
            "share",
            "The share of deployments that were not planned but made because of a fault in production: "
            "marked as "
            "rework, or named by an accepted link as what recovered a failure.",
            "distinct rework deployments ÷ distinct deployments",
        ),
    )
}

SHARED_RULES: tuple[str, ...] = (
    "Periods are half-open: from the start up to, and without, the end.",
    "Days begin at local midnight of the chosen zone, weeks on Monday; a day across a clock change has 23 or "
    "25 hours.",
    "Medians and percentiles are exact over the rows, by linear interpolation between the nearest ranks "
    "(type 7): "
    "the median of an even count is the mean of the middle two.",
    "Shares carry their 95 % Wilson interval; with no failure in n deployments its upper end is 3.84 ÷ (n + "
    "3.84).",
    "Fewer than 5 rows are said to be too few to judge, fewer than 20 to be a small sample.",
    "Every figure lists the rows used, and the rows of the period that were left out with the reason.",
    "Tiers name their report year and the cut; 2020 and 2025 have none, and the rework rate has none in any "
    "year.",
    "A control chart takes its limits from a declared baseline, and a point on a limit is no signal.",
)

DIFFERENCES: tuple[Difference, ...] = (
    Difference("DevLake", "median", "lower of the middle two values", "mean of the middle two values"),
    Difference(
        "DevLake", "rounding", "each stage is rounded up to whole minutes", "exact to the microsecond"
    ),
    Difference(
        "DevLake",
        "lead time",
        "coding + (merged − opened) + deploying, a missing or negative stage counts as zero",
        "deployed − start; a change without a start, or deployed before it, is left out and listed",
    ),
    Difference(
        "DevLake",
        "merged but not deployed",
        "counts with its stages so far",
        "is left out: it has no lead time yet",
    ),
    Difference(
        "DevLake",
        "deployment frequency",
        "median number of days with a deployment",
        "deployments per day; days with deployments are shown beside it",
    ),
    Difference(
        "DevLake",
        "failure link",
        "an incident belongs to the last deployment finished strictly before it",
        "the same rule only proposes the link; a person accepts or disputes it",
    ),
    Difference(
        "DevLake",
        "recovery time",
        "from the deployment, for incidents resolved in the period",
        "from the start of the failure, for deployments of the period; the other start can be chosen",
    ),
    Difference("DevLake", "month", "30 days, half a year 180 days", "730 hours, half a year 4 380 hours"),
    Difference(
        "DevLake",
        "fail rate tiers of 2021",
        "high up to 20 %, medium up to 30 %",
        "the report gives 16–30 % to high, medium and low alike, so up to 30 % is high",
    ),
    Difference("DevLake", "fail rate", "deployments with at least one incident", "the same"),
    Difference("Four Keys", "median", "interpolated", "the same"),
    Difference(
        "Four Keys",
        "fail rate",
        "failures ÷ deployments, may exceed 100 %",
        "failed deployments ÷ deployments",
    ),
    Difference(
        "Four Keys",
        "lead time of zero or less",
        "left out without a word",
        "zero counts; less is left out and listed",
    ),
    Difference("Four Keys", "no data", "zero, so the best class", "no value and no tier"),
    Difference(
        "Four Keys", "fail rate classes", "16–45 % ends below 46 %", "45 % itself is the last of 16–45 %"
    ),
    Difference(
        "Four Keys",
        "daily",
        "a median of 3 days with deployments a week",
        "the average rate, against the year's table",
    ),
    Difference(
        "Four Keys",
        "restore",
        "from the earlier of deployment and issue, in whole hours cut off",
        "from the recorded start of the failure, exact",
    ),
    Difference(
        "Four Keys", "zone offsets of GitLab times", "dropped", "kept; a time without an offset is refused"
    ),
)


def as_markdown() -> str:
    """The reference page, so that what is documented is what is computed."""
    lines = ["# Metric definitions", "", COUNTED, ""]
    for each in DEFINITIONS.values():
        lines += [
            f"## {each.title}",
            "",
            f"`{each.metric}`, version {each.version}, in {each.unit}: {each.formula}.",
            "",
            each.text,
            "",
        ]
    lines += ["## Rules shared by all", ""]
    lines += [f"- {rule}" for rule in SHARED_RULES]
    lines += ["", "## Where others compute something else", ""]
    lines += ["| other | topic | theirs | ours |", "|---|---|---|---|"]
    lines += [f"| {each.other} | {each.topic} | {each.theirs} | {each.ours} |" for each in DIFFERENCES]
    return "\n".join([*lines, ""])
