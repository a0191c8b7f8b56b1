"""The way from commitment to production in stages, and where it takes longer for what ended late or badly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from metrics.rules import association
from metrics.rules.association import Association
from metrics.rules.samples import percentiles, wording

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """A stage: from one milestone to the next, with its name and whether it is waiting rather than work."""

    name: str
    title: str
    since: str
    until: str
    waiting: bool = False


# A feature's way. Each stage ends with the milestone it leads to.
WAY = (
    Step("start", "Waiting to be started", "committed", "started", waiting=True),
    Step("build", "Being built", "started", "scoped"),
    Step("integrate", "In a release, until the freeze", "scoped", "frozen"),
    Step("ready", "From freeze to ready", "frozen", "ready"),
    Step("approve", "Waiting for approval", "ready", "approved", waiting=True),
    Step("window", "Approved, waiting to be deployed", "approved", "deploying", waiting=True),
    Step("rollout", "Being rolled out", "deploying", "released"),
)


@dataclass(frozen=True, slots=True)
class Travel:
    """One thing on its way, with the moments that are known of it and how it ended."""

    id: Any
    moments: Mapping[str, datetime | None]
    bad: bool = False


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Hours of one stage over all that passed it; `share` is its part of the medians' sum."""

    step: Step
    hours: tuple[float, ...]
    ids: tuple[Any, ...]
    missing: int
    percentiles: Mapping[int, float]
    share: float | None
    sample: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """The whole way: hours from first to last milestone, its stages, and the longest one."""

    whole: Mapping[int, float]
    count: int
    stages: tuple[StageFigures, ...]
    longest: StageFigures | None
    sample: str


def hours_between(since: datetime | None, until: datetime | None) -> float | None:
    """Hours from one moment to a later one; nothing where either is unknown or they are out of order."""
    if since is None or until is None or until < since:
        return None
    return (until - since).total_seconds() / HOUR


def cycle(travels: Iterable[Travel], way: Sequence[Step] = WAY) -> Cycle:
    """The stages of everything that arrived. A stage whose ends are not both known is counted as missing."""
    arrived = [t for t in travels if t.moments.get(way[-1].until) is not None]
    whole = [hours_between(t.moments.get(way[0].since), t.moments.get(way[-1].until)) for t in arrived]
    known = [hours for hours in whole if hours is not None]
    drafts = []
    for step in way:
        pairs = [(hours_between(t.moments.get(step.since), t.moments.get(step.until)), t.id) for t in arrived]
        drafts.append((step, [(h, ident) for h, ident in pairs if h is not None]))
    total = sum(median([h for h, _ in found]) for _, found in drafts if found)
    stages = tuple(
        StageFigures(
            step,
            tuple(h for h, _ in found),
            tuple(ident for _, ident in found),
            len(arrived) - len(found),
            percentiles([h for h, _ in found]),
            median([h for h, _ in found]) / total if found and total else None,
            wording(len(found), "passages"),
        )
        for step, found in drafts
    )
    longest = max((s for s in stages if s.hours), key=lambda s: s.percentiles[50], default=None)
    return Cycle(percentiles(known), len(known), stages, longest, wording(len(known), "features"))


@dataclass(frozen=True, slots=True)
class Waited:
    """One stage of releases: median hours of those that ended well and of those that did not."""

    name: str
    title: str
    well: float | None
    ill: float | None
    found: Association

    @property
    def more(self) -> float | None:
        """Hours more at the median where it ended badly."""
        return self.ill - self.well if self.well is not None and self.ill is not None else None


def where_they_waited(
    rows: Iterable[tuple[Mapping[str, float], bool]], titles: Mapping[str, str]
) -> tuple[Waited, ...]:
    """Hours in each stage of releases that were late or failed, against all others; the largest difference first."""
    listed = list(rows)
    found = [
        association.numeric(name, title, [(hours.get(name), bad) for hours, bad in listed])
        for name, title in titles.items()
    ]
    compared = [Waited(f.name, f.title, f.middle_good, f.middle_bad, f) for f in association.adjusted(found)]
    return tuple(sorted(compared, key=lambda w: -(w.more or 0.0)))


@dataclass(frozen=True, slots=True)
class Approval:
    """A change request's way over a board's table."""

    id: Any
    board: str
    moments: Mapping[str, datetime | None]
    revisions: int
    state: str


APPROVAL = (
    Step("first_vote", "Until the first vote", "submitted", "first_vote", waiting=True),
    Step("decision", "From the first vote to the approval", "first_vote", "approved"),
    Step("window", "From the approval to the window", "approved", "window", waiting=True),
)


@dataclass(frozen=True, slots=True)
class BoardFigures:
    """One board: its steps, and what cost it a second round."""

    board: str
    decided: int
    cycle: Cycle
    asked_again: int
    lapsed: int
    rejected: int
    sentence: str


def boards(approvals: Iterable[Approval]) -> tuple[BoardFigures, ...]:
    """Each board's steps; the board with the slowest approvals first."""
    groups: dict[str, list[Approval]] = {}
    for each in approvals:
        groups.setdefault(each.board, []).append(each)
    found = []
    for board, rows in groups.items():
        decided = [r for r in rows if r.moments.get("approved") is not None]
        made = cycle([Travel(r.id, r.moments) for r in decided], APPROVAL[:2])
        later = cycle([Travel(r.id, r.moments) for r in decided], APPROVAL[2:])
        whole = Cycle(
            made.whole,
            made.count,
            (*made.stages, *later.stages),
            made.longest,
            wording(len(decided), "approvals"),
        )
        again = sum(r.revisions > 1 for r in rows)
        lapsed = sum(r.state == "expired" for r in rows)
        rejected = sum(r.state == "rejected" for r in rows)
        found.append(
            BoardFigures(
                board, len(decided), whole, again, lapsed, rejected, _said(whole, again, lapsed, len(rows))
            )
        )
    return tuple(sorted(found, key=lambda b: -b.cycle.whole.get(50, 0.0)))


def _said(whole: Cycle, again: int, lapsed: int, asked: int) -> str:
    if not whole.count:
        return "Nothing was approved here in the period."
    said = []
    if whole.longest is not None and whole.whole.get(50):
        said.append(f"Most time goes into: {whole.longest.step.title.lower()}.")
    if again:
        said.append(f"{again} of {asked} were asked again after a change of content.")
    if lapsed:
        said.append(f"{lapsed} of {asked} approvals lapsed unused.")
    return " ".join(said) or "No step stands out."
