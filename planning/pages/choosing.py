"""Which train a page of planning is about: the one that was chosen, or the first."""

from __future__ import annotations

from typing import Any

from trains.models import ProgramIncrement, Train


def chosen_train(request: Any) -> tuple[list[Train], Train | None]:
    """The trains that run, and the one of the address."""
    trains = list(Train.objects.filter(archived_at__isnull=True).order_by("key"))
    wanted = request.GET.get("train", "")
    return trains, next((t for t in trains if t.key == wanted), trains[0] if trains else None)


def chosen_increment(
    request: Any, train: Train | None
) -> tuple[list[ProgramIncrement], ProgramIncrement | None]:
    """The train's Program Increments, and the one of the address; None is all of them."""
    rows = list(train.increments.order_by("-starts")[:24]) if train else []
    for each in rows:
        each.train = train
    wanted = request.GET.get("pi", "")
    return rows, next((pi for pi in rows if str(pi.pk) == wanted), None)
