"""Where a train stands in its cadence."""

from __future__ import annotations

from datetime import date

from trains.models import Iteration, ProgramIncrement, Release, Train


def current_increment(train: Train, day: date) -> ProgramIncrement | None:
    """The Program Increment that the day lies in."""
    return (
        ProgramIncrement.objects.filter(train=train, starts__lte=day, ends__gt=day)
        .order_by("-starts")
        .first()
    )


def current_iteration(train: Train, day: date) -> Iteration | None:
    """The iteration that the day lies in, with its Program Increment."""
    rows = Iteration.objects.filter(pi__train=train, starts__lte=day, ends__gt=day)
    return rows.select_related("pi").order_by("-starts").first()


def next_release(train: Train) -> Release | None:
    """The open release that is due next; one that is overdue comes first."""
    done = (Release.State.RELEASED, Release.State.CLOSED, Release.State.CANCELLED, Release.State.ROLLED_BACK)
    rows = Release.objects.filter(train=train, target_at__isnull=False).exclude(state__in=done)
    return rows.order_by("target_at").first()
