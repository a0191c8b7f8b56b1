"""When rows came into their states, read from the history that the database writes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Window
from django.db.models.functions import Lag


def entries(history: QuerySet[Any]) -> list[tuple[uuid.UUID, str, datetime]]:
    """Each change of state of each row, in the order of time: id, state, moment. One query."""
    before = Window(
        Lag("state"), partition_by=F("id"), order_by=[F("history_date").asc(), F("history_id").asc()]
    )
    rows = history.annotate(before=before).order_by("history_date", "history_id")
    listed = rows.values_list("id", "state", "history_date", "before")
    return [(ident, state, at) for ident, state, at, earlier in listed if state != earlier]
