"""The stages of one merge request: coding, pick-up, review, waiting for deployment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class MergeRequest:
    id: str
    author: str
    opened_at: datetime
    merged_at: datetime | None = None
    first_commit_at: datetime | None = None
    first_review_at: datetime | None = None
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """A stage whose end is missing, or lies before its start, is nothing."""

    coding: timedelta | None
    pickup: timedelta | None
    review: timedelta | None
    merging: timedelta | None
    deploying: timedelta | None

    @property
    def cycle_minutes(self) -> int | None:
        """Coding, opened to merged, and deploying, each rounded up to minutes; stages without a value add
        none."""
        parts = [whole_minutes(each) for each in (self.coding, self.merging, self.deploying)]
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


def first_review(author: str, comments: Iterable[tuple[str, datetime]]) -> datetime | None:
    """The first comment by somebody else; with an unknown author, by anybody."""
    return min((at for who, at in comments if not author or who != author), default=None)


def stages(request: MergeRequest) -> Stages:
    """The stages of the request, exact."""
    return Stages(
        coding=_between(request.first_commit_at, request.opened_at),
        pickup=_between(request.opened_at, request.first_review_at),
        review=_between(request.first_review_at, request.merged_at),
        merging=_between(request.opened_at, request.merged_at),
        deploying=_between(request.merged_at, request.deployed_at),
    )


def whole_minutes(duration: timedelta | None) -> int | None:
    """Rounded up to whole minutes."""
    return None if duration is None else -(-duration // _MINUTE)


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    if start is None or end is None or end < start:
        return None
    return end - start
