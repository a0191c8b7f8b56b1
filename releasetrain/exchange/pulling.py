"""Pulling series from Prometheus servers: asked outside of any transaction, taken in with one entry of the ledger a round."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import orjson

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.series_sources import pulled_until, take_in
from trains.models import SeriesSource
from trains.rules.prometheus import PrometheusError, answer, period, range_query

from .models import VaultServer
from .outgoing import call
from .series_access import NoAccess, headers_of

LARGEST = 20_000_000
# A source that was never asked begins with so much of its past.
FIRST = timedelta(hours=6)
EVERY = timedelta(seconds=60)
# One organization's servers hold up no other's: what is left is asked in the next round.
PATIENCE = timedelta(seconds=120)


def pull(organization_id: uuid.UUID) -> int:
    """Ask every source of an organization that is due; returns how many points came."""
    actor = Actor.system(organization_id, "pulling of series")
    with tenant_scope(organization_id, actor):
        due = _due(now())
        server = VaultServer.objects.filter(enabled=True).first()
    answers, until = [], now() + PATIENCE
    for source, last in due:
        if now() > until:
            break
        answers.append(_asked(source, last, server))
    if not answers:
        return 0
    with tenant_scope(organization_id, actor):
        return int(take_in(actor, answers=answers)["points"])


def _due(at: datetime) -> list[tuple[SeriesSource, datetime | None]]:
    sources = list(SeriesSource.objects.filter(enabled=True).select_related("secret", "secret_by"))
    last = pulled_until(sources)
    found = [(source, last[source]) for source in sources]
    return [
        (source, moment)
        for source, moment in found
        if moment is None or at - moment >= max(EVERY, timedelta(seconds=source.step_seconds))
    ]


def _asked(source: SeriesSource, last: datetime | None, server: VaultServer | None) -> dict[str, Any]:
    """What the server answers, or why it does not."""
    start, end = period(last, now(), source.step_seconds, FIRST)
    said: dict[str, Any] = {"source": str(source.pk), "error": "", "series": []}
    if start > end:
        return said
    question = range_query(source.address, source.expression, start, end, source.step_seconds)
    try:
        headers = {"Accept": "application/json", **headers_of(source, server)}
        found = call("GET", question, None, headers, LARGEST)
        if found.error:
            raise PrometheusError(found.error)
        if found.status in (401, 403):
            raise PrometheusError(f"The server does not let us in (status {found.status}).")
        body = orjson.loads(found.text) if found.text else None
        said["series"] = [
            {"labels": each.labels, "points": [[at.timestamp(), value] for at, value in each.points]}
            for each in answer(body)
        ]
    except orjson.JSONDecodeError:
        said["error"] = f"The server answers with status {found.status}, and no JSON."
    except (PrometheusError, NoAccess) as error:
        said["error"] = str(error)
    return said
