"""Delays: cycle time by stage, where late and failed releases waited, and what approvals cost by board and step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from governance.models import ChangeRequest
from metrics.asking import Question
from metrics.queries import delays as queries
from metrics.queries.delays import STATES, Arrived
from metrics.rules import cycle as rules
from metrics.rules.association import CAUTION
from metrics.rules.cycle import BoardFigures, Cycle, StageFigures, Waited
from metrics.rules.samples import percentiles, wording
from releasetrain.interface.charts import bar_chart

from . import cells
from .answer import Answer, Definition, Exclusion, Figure, Gap, Link, Table
from .registry import dashboard

DEFINITIONS = (
    Definition(
        "cycle_time",
        "Commitment to production",
        "Features that releases of the period delivered. Committed is when the Program Increment with the feature was"
        " committed, or when it was planned, if that came later; production is the release's last deployment.",
        "median of released − committed",
    ),
    Definition(
        "longest_stage",
        "Longest stage",
        "The stage with the longest median of those that the way from commitment to production is split into.",
        "max over stages of the median",
    ),
    Definition(
        "late_or_failed",
        "Late or failed releases",
        "Releases of the period that went live after their target, were rolled back, or whose production deployments"
        " failed, were rolled back or caused incidents.",
        "late or failed ÷ releases",
    ),
    Definition(
        "approval_time",
        "Time to approval",
        "Change requests submitted in the period that were approved.",
        "median of approved − submitted",
    ),
)


@dashboard(
    "delays",
    title="Delays",
    about="Where the time from commitment to production goes, and where what ended late had waited.",
    definitions=DEFINITIONS,
    order=120,
    days=365,
    bucketed=False,
)
def delays(question: Question) -> Answer:
    """Stages, waits and boards."""
    arrived = queries.releases(question.period, question.wanted)
    travels, features = queries.features(arrived)
    whole = rules.cycle(travels)
    asked = queries.approvals(question.period, question.wanted)
    boards = rules.boards(asked)
    waited = rules.where_they_waited([(a.hours, a.bad) for a in arrived], STATES)
    if not arrived and not asked:
        return Answer(empty="No release went live in this period, and no change was submitted.")
    approved = [a for a in asked if a.moments["approved"] is not None]
    hours = [
        h
        for a in approved
        if (h := rules.hours_between(a.moments["submitted"], a.moments["approved"])) is not None
    ]
    bad = [a for a in arrived if a.bad]
    return Answer(
        figures=[
            _cycle_figure(whole, travels, features, len(arrived)),
            _stage_figure(whole.longest, travels, features),
            Figure(
                "late_or_failed", "Late or failed releases", len(bad) / len(arrived) if arrived else None, "share",
                count=len(bad), rows=lambda: _releases(arrived),
                note=f"{sum(a.late for a in arrived)} late, {sum(a.failed for a in arrived)} failed, of {len(arrived)}",
                sample=wording(len(arrived), "releases"),
            ),
            Figure(
                "approval_time", "Time to approval", percentiles([h * 3600 for h in hours]).get(50), "seconds",
                count=len(hours), rows=lambda: _changes([a.id for a in approved]), note="median",
                sample=wording(len(hours), "approvals"), percentiles=percentiles([h * 3600 for h in hours]),
            ),
        ],
        charts=_charts(whole, boards),
        tables=[_stage_table(whole), _waited_table(waited), _board_table(boards)],
        quality=[
            Gap(f"{len(travels) - s.missing} of {len(travels)} features know both ends of “{s.step.title}”.",
                1 - s.missing / len(travels))
            for s in whole.stages if s.missing
        ][:4],
        notes=[CAUTION] if any(w.found.effect is not None for w in waited) else [],
    )  # fmt: skip


def _cycle_figure(whole: Cycle, travels: Sequence[Any], features: Any, releases: int) -> Figure:
    seconds = {p: h * 3600 for p, h in whole.whole.items()}
    missing = len(travels) - whole.count
    return Figure(
        "cycle_time", "Commitment to production", seconds.get(50), "seconds", count=whole.count,
        rows=lambda: _features(travels, features), note=f"median; {releases} releases", sample=whole.sample,
        percentiles=seconds,
        excluded=[Exclusion("no_commitment", "It is not known when it was committed.", missing)] if missing else [],
    )  # fmt: skip


def _stage_figure(longest: StageFigures | None, travels: Sequence[Any], features: Any) -> Figure:
    return Figure(
        "longest_stage", "Longest stage", longest.percentiles[50] * 3600 if longest else None, "seconds",
        count=len(longest.hours) if longest else 0,
        rows=(lambda: _features(travels, features)) if longest else None,
        note=longest.step.title if longest else "", sample=longest.sample if longest else "",
        percentiles={p: h * 3600 for p, h in longest.percentiles.items()} if longest else {},
    )  # fmt: skip


def _charts(whole: Cycle, boards: Sequence[BoardFigures]) -> list[Any]:
    found = []
    bars = [(s.step.title, s.percentiles[50] / 24) for s in whole.stages if s.hours]
    if bars:
        found.append(bar_chart("Median days by stage", bars, unit="days"))
    approvals = [
        (b.board[:40], tuple(s.percentiles.get(50, 0.0) for s in b.cycle.stages)) for b in boards if b.decided
    ]
    if approvals:
        found.append(
            bar_chart(
                "Approval by board and step",
                approvals,
                parts=("Until the first vote", "Until the approval", "Until the window"),
                unit="hours",
            )
        )
    return found


def _stage_table(whole: Cycle) -> Table:
    rows = [
        (s.step.title, "Waiting" if s.step.waiting else "Working", len(s.hours), cells.hours(s.percentiles.get(50)),
         cells.hours(s.percentiles.get(90)), cells.share(s.share), s.missing or None, s.sample)
        for s in whole.stages
    ]  # fmt: skip
    return Table(
        "Stages from commitment to production",
        ("Stage", "Kind", "Features", "Median", "90 %", "Share", "Not known", "Sample"),
        rows if whole.count else [],
        numbers=("Features", "Median", "90 %", "Share", "Not known"),
        empty="No feature of these releases knows when it was committed.",
        note="Share: of the sum of the stages' medians.",
    )


def _waited_table(waited: Sequence[Waited]) -> Table:
    rows = [
        (w.title, cells.hours(w.well), cells.hours(w.ill), cells.hours(w.more),
         "–" if w.found.effect is None else f"{w.found.effect:+.2f}", cells.numbers(w.found.interval),
         "–" if w.found.adjusted is None else f"{w.found.adjusted:.3f}", w.found.sentence)
        for w in waited
    ]  # fmt: skip
    return Table(
        "Where late or failed releases waited",
        (
            "State",
            "Others",
            "Late or failed",
            "Longer by",
            "Effect",
            "95 % interval",
            "p adjusted",
            "Reading",
        ),
        rows,
        numbers=("Others", "Late or failed", "Longer by", "Effect", "p adjusted"),
        note="Medians. Effect: rank-biserial correlation, −1 to 1. p by Mann-Whitney, adjusted by Benjamini and Hochberg.",
    )


def _board_table(boards: Sequence[BoardFigures]) -> Table:
    rows = [
        (b.board, b.decided, *(cells.hours(s.percentiles.get(50)) for s in b.cycle.stages), cells.hours(b.cycle.whole.get(90)),
         b.asked_again, b.lapsed, b.rejected, cells.joined((b.sentence, b.cycle.sample)))
        for b in boards
    ]  # fmt: skip
    columns = (
        "Board", "Approved", "To first vote", "To approval", "To window", "90 % approved within", "Asked again", "Lapsed",
        "Rejected", "What stands out",
    )  # fmt: skip
    return Table(
        "Approvals by board and step", columns, rows, numbers=columns[1:9], empty="No change was submitted."
    )


def _features(travels: Sequence[Any], features: Any) -> Table:
    rows = []
    for t in travels[: cells.ROWS]:
        hours = [rules.hours_between(t.moments[s.since], t.moments[s.until]) for s in rules.WAY]
        whole = rules.hours_between(t.moments["committed"], t.moments["released"])
        feature = features[t.id]
        rows.append(
            (Link(f"{feature.key} {feature.title}", feature), cells.hours(whole), *map(cells.hours, hours))
        )
    return Table(
        "Features", ("Feature", "Whole way", *(s.title for s in rules.WAY)), rows, total=len(travels)
    )  # fmt: skip


def _releases(arrived: Sequence[Arrived]) -> Table:
    rows = [
        (Link(str(a.release), a.release), a.release.target_at, a.release.released_at,
         cells.joined(("late" if a.late else "", "failed" if a.failed else "")) or "on time",
         *(cells.hours(a.hours.get(state)) for state in STATES))
        for a in sorted(arrived, key=lambda a: not a.bad)[: cells.ROWS]
    ]  # fmt: skip
    return Table(
        "Releases", ("Release", "Target", "Released", "Ended", *STATES.values()), rows, total=len(arrived)
    )


def _changes(ids: Sequence[Any]) -> Table:
    found = (
        ChangeRequest.objects.filter(pk__in=list(ids)[: cells.ROWS])
        .select_related("board")
        .order_by("-submitted_at")
    )
    rows = [(Link(str(c), c), c.board.name, c.submitted_at, c.approved_at, c.revision) for c in found]
    return Table(
        "Change requests", ("Change", "Board", "Submitted", "Approved", "Revision"), rows, total=len(ids)
    )
