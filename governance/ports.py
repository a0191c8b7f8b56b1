"""Where higher apps plug into governance: who sees to obligatory reviews, what kinds of backlog items there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse
from trains.models import Deployment, Release, Service


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
