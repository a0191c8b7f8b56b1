"""Which train a page of planning is about: the one that was chosen, or the busiest."""

from __future__ import annotations

from typing import Any

from planning.queries.backlog import train_to_show
from trains.models import ProgramIncrement, Train


def chosen_train(request: Any) -> tuple[list[Train], Train | None]:
    """The trains that run, and the one of the address."""
    return train_to_show(request.GET.get("train", ""))


def chosen_increment(
    request: Any, train: Train | None
) -> tuple[list[ProgramIncrement], ProgramIncrement | None]:
    """The train's Program Increments, and the one of the address; None is all of them."""
    rows = list(train.increments.order_by("-starts")[:24]) if train else []
    for each in rows:
        each.train = train
    wanted = request.GET.get("pi", "")
    return rows, next((pi for pi in rows if str(pi.pk) == wanted), None)
