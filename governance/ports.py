"""Where higher apps plug into governance: obligatory reviews, kinds of backlog items, joint sessions, records kept longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Release, Service

from .models import ChangeRequest


@dataclass(frozen=True)
class DueReview:
    """A review that has to be held after an act: an emergency approval, a broken glass.

    because     one sentence, kept on the review
    subject     the record that made it obligatory (a change, a use of break-glass): the same one asks only once
    """

    because: str
    subject: Any
    release: Release | None = None
    deployment: Deployment | None = None
    service: Service | None = None
    days: int = 5


# Opens the review, or ties the act to one that is open already; None where it cannot.
ReviewOpener = Callable[[Actor, DueReview], Any | None]

_openers: list[ReviewOpener] = []


def opens_obligatory_reviews(opener: ReviewOpener) -> ReviewOpener:
    """Register who opens obligatory reviews: fn(actor, due) -> the review, or None."""
    _openers.append(opener)
    return opener


def require_review(actor: Actor, due: DueReview) -> Any:
    """Make a review obligatory, in the same transaction; the act is refused where nobody can see to it."""
    for opener in _openers:
        review = opener(actor, due)
        if review is not None:
            return review
    refuse(
        "review.nowhere",
        "This makes a review obligatory, and there is no service that it could be about.",
        remedy="Name the service or the release.",
        field="service",
    )


BacklogKinds = Callable[[], list[tuple[str, str]]]

_backlog_kinds: list[BacklogKinds] = []


def backlog_kinds(source: BacklogKinds) -> BacklogKinds:
    """Register the kinds of items of a backlog that a change model may be for: fn() -> (value, label) pairs."""
    _backlog_kinds.append(source)
    return source


def kinds_of_backlog_items() -> list[tuple[str, str]]:
    return [pair for source in _backlog_kinds for pair in source()]


# Why a board decides this change together with the problem manager; an empty text where it need not.
JointReason = Callable[[ChangeRequest], str]

_joint: list[JointReason] = []


def joint_sessions(source: JointReason) -> JointReason:
    """Register a source of joint sessions: fn(change) -> why the problem manager signs as well, or an empty text."""
    _joint.append(source)
    return source


def joint_reason(change: ChangeRequest) -> str:
    """Why the change is decided in a joint session, or an empty text."""
    return next((why for source in _joint if (why := source(change))), "")


# (ids of releases) -> {release id: (until when its records are kept at least, why)}.
Keeper = Callable[[frozenset[UUID]], dict[UUID, tuple[datetime, str]]]

_keepers: list[Keeper] = []


def keeps_records(source: Keeper) -> Keeper:
    """Register who keeps the stored records of releases longer than policies say."""
    _keepers.append(source)
    return source


def kept_until(releases: frozenset[UUID]) -> list[tuple[datetime, str]]:
    """Until when records about these releases are kept whatever policies say, and why."""
    return [kept for source in _keepers for kept in source(releases).values()] if releases else []
