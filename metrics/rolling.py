"""Keeping roll-ups true: days that events have touched are computed anew from their rows."""

# ruff: noqa: S608 - the statement is put together from columns of our own table

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models.functions import TruncDate

from metrics.models import ServiceDay, Touched
from metrics.queries.dora import text_of
from metrics.queries.rollup import live_cells
from metrics.rules.rollup import COUNTS, TIMES, Cell
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

BATCH = 20_000

_COLUMNS = {
    "service_id": "uuid",
    "day": "date",
    "purpose": "text",
    **dict.fromkeys(COUNTS, "bigint"),
    **dict.fromkeys(TIMES, "bytea"),
}
_INSERT = (
    f"INSERT INTO {ServiceDay._meta.db_table} (id, organization_id, row_version, created_at, {', '.join(_COLUMNS)})"
    f" SELECT gen_random_uuid(), %s, 1, now(), * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _COLUMNS.values())})"
)


def roll_up(most: int = BATCH) -> int:
    """Compute anew the days that are noted as touched, in the organization of the scope; returns how many.

    One worker at a time for an organization: of two that compute the same day the later to write may have read less.
    """
    organization = Organization.objects.get(pk=require_scope().organization_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"roll-up {organization.pk}"]
        )
    zone = ZoneInfo(organization.time_zone)
    noted = list(
        Touched.objects.order_by("at")
        .annotate(local_day=TruncDate("at", tzinfo=zone))
        .values_list(text_of("service_id"), "local_day", "id")[:most]
    )
    days = sorted({(service, day) for service, day, _ in noted})
    for service, found in groupby(days, key=itemgetter(0)):
        pairs = set(found)
        ServiceDay.objects.filter(service_id=service, day__in={day for _, day in pairs}).delete()
        _write(organization, live_cells(pairs, organization.time_zone))
    Touched.objects.filter(pk__in=[pk for _, _, pk in noted]).delete()
    return len(days)


def _write(organization: Organization, cells: Sequence[Cell]) -> None:
    """All cells in one statement, a column an array: as objects, thirty columns a row cost more than all the reading."""
    if not cells:
        return
    arrays = [
        [cell.service for cell in cells],
        [cell.day for cell in cells],
        [cell.purpose for cell in cells],
        *([cell.counts[name] for cell in cells] for name in COUNTS),
        *([cell.times[name] for cell in cells] for name in TIMES),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [organization.pk, *arrays])
