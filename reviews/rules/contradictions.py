"""Gaps and contradictions between what was reported: shown before anybody argues from the facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

OVERDUE = timedelta(hours=24)


@dataclass(frozen=True)
class Approval:
    """A change request and when its approval and its window were."""

    id: str
    label: str
    approved_at: datetime | None
    window: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Ran:
    """A production deployment. `authorised` is None where nothing is on record about it."""

    id: str
    label: str
    started_at: datetime
    finished_at: datetime | None
    authorised: bool | None = None
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a binding gate said, and when."""

    id: str
    label: str
    verdict: str
    at: datetime


@dataclass(frozen=True)
class Harm:
    """An incident laid to a deployment."""

    id: str
    label: str
    began_at: datetime
    deployment: str


@dataclass(frozen=True)
class Gap:
    """One gap or contradiction: the same name on every look, the record it is about, the sentence."""

    name: str
    kind: str
    id: str
    at: datetime | None
    sentence: str


def gaps(
    *,
    approvals: Sequence[Approval],
    ran: Sequence[Ran],
    verdicts: Sequence[Verdict],
    harms: Sequence[Harm],
    at: datetime,
    gated: bool,
) -> list[Gap]:
    """Everything that does not fit together, by time. `gated` says whether any gate stood in the way."""
    found = [
        *_unended(ran, at),
        *_unapproved(approvals, ran),
        *_ungated(verdicts, ran, gated),
        *_impossible(harms, ran),
    ]
    return sorted(found, key=lambda g: (g.at is None, g.at or at, g.name))


def _unended(ran: Sequence[Ran], at: datetime) -> Iterator[Gap]:
    for each in ran:
        if each.finished_at is None and at - each.started_at > OVERDUE:
            yield _about(each, "end", f"{each.label} was never reported as ended.")


def _unapproved(approvals: Sequence[Approval], ran: Sequence[Ran]) -> Iterator[Gap]:
    for each in ran:
        if each.authorised is False:
            yield _about(each, "authorised", f"{each.label} was not authorised: {each.why}")
        for approval in approvals:
            if approval.approved_at and each.started_at < approval.approved_at:
                sentence = f"{each.label} began before {approval.label} was approved."
                yield _about(each, f"approved-{approval.id}", sentence)
            window = approval.window
            if window and not window[0] <= each.started_at < window[1]:
                sentence = f"{each.label} began outside the window of {approval.label}."
                yield _about(each, f"window-{approval.id}", sentence)


def _ungated(verdicts: Sequence[Verdict], ran: Sequence[Ran], gated: bool) -> Iterator[Gap]:
    if not gated:
        return
    for each in ran:
        before = [v for v in verdicts if v.at <= each.started_at]
        if not before:
            yield _about(each, "gate", f"No gate was asked before {each.label}.")
            continue
        last = {v.label: v for v in sorted(before, key=lambda v: v.at)}
        for label, verdict in last.items():
            if verdict.verdict != "pass":
                yield _about(
                    each, f"gate-{label}", f"{each.label} began although {label} said {verdict.verdict}."
                )


def _impossible(harms: Sequence[Harm], ran: Sequence[Ran]) -> Iterator[Gap]:
    by_id = {each.id: each for each in ran}
    for harm in harms:
        cause = by_id.get(harm.deployment)
        if cause and harm.began_at < cause.started_at:
            yield Gap(
                f"order-{harm.id}",
                "incident",
                harm.id,
                harm.began_at,
                f"{harm.label} began before {cause.label}, to which it is laid.",
            )


def _about(each: Ran, name: str, sentence: str) -> Gap:
    return Gap(f"{name}-{each.id}", "deployment", each.id, each.started_at, sentence)
