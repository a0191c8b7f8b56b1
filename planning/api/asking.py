"""What reading endpoints of planning are asked about: a train or a Program Increment, by key or id."""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from django.http import Http404

from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import ProgramIncrement, Train


def train_of(query: Any) -> Train:
    """The train that the query names; the only one when it names none."""
    word = query.get("train", "")
    trains = Train.objects.filter(archived_at__isnull=True).order_by("key")
    found = list(trains[:2]) if not word else [t for t in trains if word in (t.key, str(t.pk))]
    if len(found) == 1:
        return found[0]
    _refuse("train", f"There is no train {word[:60]}." if word else "Name the train by its key.")


def increment_of(ref: str) -> ProgramIncrement:
    """The Program Increment of an address."""
    try:
        found = ProgramIncrement.objects.filter(pk=uuid.UUID(ref)).select_related("train").first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _refuse(field: str, sentence: str) -> NoReturn:
    raise Refused(Refusal("filter.invalid", sentence, field=field, status=422))
