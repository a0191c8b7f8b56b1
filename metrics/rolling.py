"""Keeping roll-ups true: days that events have touched are computed anew from their rows."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models.functions import TruncDate

from metrics.models import ServiceDay, Touched
from metrics.queries.dora import text_of
from metrics.queries.rollup import live_cells
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

BATCH = 20_000


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
        fresh = [
            ServiceDay(
                service_id=cell.service, day=cell.day, purpose=cell.purpose, **cell.counts, **cell.times
            )
            for cell in live_cells(pairs, organization.time_zone)
        ]
        for each in fresh:
            each.prepare_save()
        ServiceDay.objects.bulk_create(fresh, batch_size=500)
    Touched.objects.filter(pk__in=[pk for _, _, pk in noted]).delete()
    return len(days)
