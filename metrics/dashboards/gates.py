"""Gates against outcomes: what was known before production, how it turned out, and which checks to try differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from governance.models import GateVersion
from metrics.asking import Question
from metrics.queries import gate_outcomes as queries
from metrics.queries.gate_outcomes import NUMERIC, YES_NO, Passage, Past
from metrics.rules import association, rates
from metrics.rules.association import CAUTION, Association, Proposal, Reading, Scale
from metrics.rules.periods import Bucket
from releasetrain.interface import links
from releasetrain.interface.charts import p_chart
from trains.models import Deployment, Release

from . import cells
from .answer import Answer, Definition, Figure, Gap, Link, Table
from .registry import dashboard

_OF = (
    "Releases, and builds of none, that went to production in the period. One went badly if a deployment of it failed, was"
    " rolled back, or caused or contributed to an incident (accepted links only)."
)
DEFINITIONS = (
    Definition("went_badly", "Went badly", _OF, "went badly ÷ all, with Wilson's 95 % interval"),
    Definition(
        "associated",
        "Properties that went with outcomes",
        f"{_OF} Numbers are compared by rank-biserial correlation (Mann-Whitney; Newcombe's interval), yes and no by odds"
        " ratios (Fisher; exact interval). Read as associated only where both groups have at least five, the adjusted p is"
        " below 0.05, and the interval leaves out no difference.",
        "count; p adjusted by Benjamini and Hochberg",
    ),
    Definition(
        "proposals",
        "Checks to try differently",
        "Tighten: what the check reads went with bad outcomes, and a stricter level would have parted them better (the level"
        " with the highest Youden index, found on the same releases, so replay it and run it advisory before it binds)."
        " Relax: at least twenty releases show no difference. Nothing changes by itself.",
        "count",
    ),
)


@dashboard(
    "gates",
    title="Gates",
    about="What was known before production against how it turned out, and which checks to try differently.",
    definitions=DEFINITIONS,
    order=110,
    days=365,
    bucketed=False,
)
def gates(question: Question) -> Answer:
    """Effect sizes of what gates read, and proposals to replay."""
    past = queries.past_of(question.period, question.wanted)
    if not past.passages:
        return Answer(empty="Nothing went to production in this period.")
    found = compared(past)
    versions = queries.gates_of(question.wanted)
    made = [(v, p) for v in versions for p in proposals_for(past, v)]
    bad = [p for p in past.passages if p.bad]
    share = rates.share(len(bad), len(past.passages), "releases")
    telling = [f for f in found if f.reading in (Reading.WORSE_WITH_MORE, Reading.BETTER_WITH_MORE)]
    return Answer(
        figures=[
            Figure(
                "went_badly", "Went badly", share.value, "share", count=len(bad), rows=lambda: _passages(bad),
                note=f"{len(bad):,} of {len(past.passages):,} releases and builds", sample=share.sample,
                interval=share.interval,
            ),
            Figure(
                "associated", "Properties that went with outcomes", len(telling), "", count=len(past.passages),
                rows=lambda: _passages(past.passages), note=f"of {len(found)} compared",
                sample=association.sample_words(len(bad), len(past.passages) - len(bad)),
            ),
            Figure("proposals", "Checks to try differently", len(made), "", count=len(made), rows=lambda: _proposals(made),
                   note=f"in {len(versions)} gates before production"),
        ],
        charts=_charts(past, question),
        tables=[_associations(found), _proposals(made)],
        quality=[*_gaps(found, len(past.passages)), *_cut(past)],
        notes=[CAUTION, *(f"{v.gate} has no version." for v in versions if not v.checks)],
    )  # fmt: skip


def compared(past: Past) -> tuple[Association, ...]:
    """Every property that at least one release has, adjusted for how many there are."""
    found = [association.numeric(name, title, past.factor(name)) for name, title in NUMERIC.items()]
    found += [association.yes_no(name, title, past.answers(name)) for name, title in YES_NO.items()]
    known = [f for f in found if f.bad + f.good]
    order = {
        Reading.WORSE_WITH_MORE: 0,
        Reading.BETTER_WITH_MORE: 0,
        Reading.UNCLEAR: 1,
        Reading.TOO_LITTLE: 2,
    }
    return tuple(sorted(association.adjusted(known), key=lambda f: (order[f.reading], f.adjusted or 1.0)))


def proposals_for(past: Past, version: GateVersion) -> tuple[Proposal, ...]:
    """What to try in a gate, judged by what went by it."""
    chosen = queries.guarded(past, version.gate)
    made: list[Proposal] = []
    factors = {name: past.factor(name, chosen) for name in NUMERIC}
    found = {f.name: f for f in association.adjusted(
        [association.numeric(name, NUMERIC[name], rows) for name, rows in factors.items()]
    )}  # fmt: skip
    for check in version.checks:
        own_factors, own_found = factors, found
        if check["kind"] == "failure-history":
            # Its own number of days, not the one that the table shows.
            rows = past.failures_within(int(check["parameters"].get("days", queries.LATELY)), chosen)
            own_factors = {**factors, "failures_before": rows}
            own_found = {
                **found,
                "failures_before": association.numeric("failures_before", "Failures before", rows),
            }
        made += association.propose([check], own_factors, own_found)
    return tuple(made)


def _charts(past: Past, question: Question) -> list[Any]:
    months: dict[Any, list[bool]] = {}
    for p in past.passages:
        months.setdefault(cells.bucket_of(p.at, Bucket.MONTH, question.zone), []).append(p.bad)
    if len(months) < 2:
        return []
    points = [(cells.label_of(m, Bucket.MONTH), sum(bad), len(bad)) for m, bad in sorted(months.items())]
    return [p_chart("Went badly by month", points, width=1120)]


def _cut(past: Past) -> list[Gap]:
    return (
        [Gap(f"Only the latest {queries.MOST:,} deployments of the period were looked at.")]
        if past.cut
        else []
    )


def _gaps(found: Sequence[Association], total: int) -> list[Gap]:
    """One sentence for what is known of nearly all, one for what is not."""
    thin = [f for f in found if total - f.missing < 0.95 * total]
    if not thin:
        return [Gap(f"Every property is known of nearly all of the {total:,} releases and builds.", 1.0)]
    named = "; ".join(f"{f.title.lower()}: {total - f.missing:,}" for f in thin)
    return [
        Gap(
            f"Known of fewer than 95 % of the {total:,} releases and builds: {named}.",
            min(1 - f.missing / total for f in thin),
        )
    ]


def _associations(found: Sequence[Association]) -> Table:
    rows = []
    for f in found:
        numeric = f.scale is Scale.RANK_BISERIAL
        say = cells.number if numeric else cells.share
        rows.append(
            (f.title, f.bad, f.good, say(f.middle_bad), say(f.middle_good), "rank-biserial" if numeric else "odds ratio",
             "–" if f.effect is None else f"{f.effect:+.2f}" if numeric else cells.number(round(f.effect, 2)), cells.numbers(f.interval),
             "–" if f.adjusted is None else f"{f.adjusted:.3f}", cells.joined((f.sentence, f.sample if f.effect is not None and
             f.reading is not Reading.TOO_LITTLE else "")))
        )  # fmt: skip
    columns = (
        "Property", "Badly", "Well", "Middle, badly", "Middle, well", "Effect size", "Effect", "95 % interval", "p adjusted",
        "Reading",
    )  # fmt: skip
    return Table(
        "What was known before, against the outcome", columns, rows, numbers=(*columns[1:5], columns[6], columns[8]),
        note="Middle: the median, or the share that said yes. An effect above zero (odds above one): more of it where things"
        " went badly.",
    )  # fmt: skip


def _proposals(made: Sequence[tuple[GateVersion, Proposal]]) -> Table:
    rows = [
        (Link(str(v.gate), v.gate), p.check, p.direction.capitalize(), p.parameter.replace("_", " "), cells.number(p.now),
         cells.number(p.tried), cells.joined((p.reason, p.sample)), Link("Replay", replay_address(v, p)))
        for v, p in made
    ]  # fmt: skip
    columns = ("Gate", "Check", "Direction", "Parameter", "Now", "Try", "Why", "Try it on the past")
    return Table("Checks to try differently", columns, rows, numbers=("Now", "Try"),
                 empty="The past gives no reason to try another level of any check.")  # fmt: skip


def replay_address(version: GateVersion, proposal: Proposal) -> str:
    """The form that replays a proposal over past releases, filled in."""
    query = urlencode(
        {"check": proposal.check, "parameter": proposal.parameter, "value": f"{proposal.tried:g}"}
    )
    return f"{links.url_for(version.gate)}do/try_level?{query}"


def _passages(found: Sequence[Passage]) -> Table:
    shown = found[: cells.ROWS]
    releases = {
        r.pk: r
        for r in Release.objects.filter(pk__in=[p.release_id for p in shown if p.release_id]).select_related(
            "train"
        )
    }
    firsts = Deployment.objects.filter(pk__in=[p.deployments[0] for p in shown if not p.release_id])
    builds = {d.pk: d for d in firsts.select_related("service", "environment")}
    rows = [
        (Link(p.label, releases[p.release_id] if p.release_id else builds[p.deployments[0]]), p.at, "badly" if p.bad else "well",
         *(cells.number(p.known.get(name)) for name in NUMERIC))
        for p in shown
    ]  # fmt: skip
    columns = ("Release or build", "To production", "Went", *NUMERIC.values())
    return Table("Releases and builds", columns, rows, numbers=tuple(NUMERIC.values()), total=len(found))
