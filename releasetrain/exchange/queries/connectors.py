"""Connectors as the tool catalogue sees them: by which names they are meant, and the signs of life of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from governance.models import Result
from releasetrain.exchange.models import (
    ConnectorKind,
    EventSource,
    ForgeConnection,
    ForgeStatus,
    InboundEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from releasetrain.exchange.rules.tools import Sign
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import row_id
from trains.models import ImportRun, SeriesSource

RECENT = timedelta(days=30)
Signs = dict[tuple[str, str], Sign]

# Kinds that are objects here; the others are known by the name under which something is posted.
MODELS: dict[str, Any] = {
    ConnectorKind.SENDER: EventSource,
    ConnectorKind.ENDPOINT: WebhookEndpoint,
    ConnectorKind.SERIES: SeriesSource,
    ConnectorKind.FORGE: ForgeConnection,
}


def found(kind: str, name: str) -> tuple[str, Any | None]:
    """What a connector is stored as, and its object where it is one; empty when there is none of that name."""
    model = MODELS.get(kind)
    if model is not None:
        condition = Q(pk=row_id(name)) if row_id(name) else Q(name=name)
        obj = model.objects.filter(condition).order_by("pk").first()
        return (str(obj.pk), obj) if obj else ("", None)
    if kind == ConnectorKind.REPORTS:
        known = Result.objects.filter(Q(source=name) | Q(tool=name)).exists()
    else:
        known = ImportRun.objects.filter(Q(source_name=name) | Q(kind=name)).exists()
    return (name, None) if known else ("", None)


def signs(wanted: Iterable[tuple[str, str]]) -> Signs:
    """The signs of these connectors, one query for each kind that is wanted."""
    by_kind: dict[str, set[str]] = {}
    for kind, name in wanted:
        if kind:
            by_kind.setdefault(kind, set()).add(name)
    since = now() - RECENT
    result: Signs = {}
    for kind, names in by_kind.items():
        result |= {(kind, name): sign for name, sign in _READERS[kind](names, since).items()}
    return result


def _senders(names: set[str], since: datetime) -> dict[str, Sign]:
    dead = Q(events__state=InboundEvent.State.DEAD, events__received_at__gte=since)
    rows = EventSource.objects.filter(pk__in=names).annotate(
        last=Max("events__received_at"), dead=Count("events", filter=dead)
    )
    return {
        str(row.pk): Sign(
            row.name,
            row.last,
            row.dead,
            f"{row.dead} dead {'letter' if row.dead == 1 else 'letters'} from {row.name}."
            if row.dead
            else "",
            row.retired_at is not None,
        )
        for row in rows
    }


def _endpoints(names: set[str], since: datetime) -> dict[str, Sign]:
    failed = Q(deliveries__state=WebhookDelivery.State.FAILED, deliveries__created_at__gte=since)
    rows = WebhookEndpoint.objects.filter(pk__in=names).annotate(
        last=Max("deliveries__delivered_at"), failed=Count("deliveries", filter=failed)
    )
    return {str(row.pk): _sent(row) for row in rows}


def _forges(names: set[str], since: datetime) -> dict[str, Sign]:
    failed = Q(statuses__state=ForgeStatus.State.FAILED, statuses__created_at__gte=since)
    rows = ForgeConnection.objects.filter(pk__in=names).annotate(
        last=Max("statuses__posted_at"), failed=Count("statuses", filter=failed)
    )
    return {str(row.pk): _sent(row) for row in rows}


def _sent(row: Any) -> Sign:
    error = (
        f"{row.name} cannot be reached since {row.failing_since:%d %b %H:%M} UTC."
        if row.failing_since
        else ""
    )
    return Sign(row.name, row.last, row.failed, error, row.disabled_at is not None)


def _series(names: set[str], since: datetime) -> dict[str, Sign]:
    rows = SeriesSource.objects.filter(pk__in=names).annotate(last=Max("series__last_at"))
    return {str(row.pk): Sign(row.name, row.last, error=row.last_error, off=not row.enabled) for row in rows}


def _reports(names: set[str], since: datetime) -> dict[str, Sign]:
    return {name: _latest(name, rows) for name, rows in _by_name(names, _result_rows)}


def _imports(names: set[str], since: datetime) -> dict[str, Sign]:
    return {name: _latest(name, rows) for name, rows in _by_name(names, _import_rows)}


def _result_rows(names: set[str]) -> list[tuple[str, str, datetime | None]]:
    rows = Result.objects.filter(Q(source__in=names) | Q(tool__in=names)).order_by()
    return list(rows.values_list("source", "tool").annotate(Max("reported_at")))


def _import_rows(names: set[str]) -> list[tuple[str, str, datetime | None]]:
    rows = ImportRun.objects.filter(Q(source_name__in=names) | Q(kind__in=names)).order_by()
    return list(rows.values_list("source_name", "kind").annotate(Max("finished_at")))


def _by_name(
    names: set[str], read: Callable[[set[str]], list[tuple[str, str, datetime | None]]]
) -> list[tuple[str, list[datetime | None]]]:
    rows = read(names)
    return [(name, [at for first, second, at in rows if name in (first, second)]) for name in names]


def _latest(name: str, moments: list[datetime | None]) -> Sign:
    return Sign(name, max((at for at in moments if at is not None), default=None))


_READERS: dict[str, Callable[[set[str], datetime], dict[str, Sign]]] = {
    ConnectorKind.SENDER: _senders,
    ConnectorKind.ENDPOINT: _endpoints,
    ConnectorKind.SERIES: _series,
    ConnectorKind.FORGE: _forges,
    ConnectorKind.REPORTS: _reports,
    ConnectorKind.IMPORTS: _imports,
}
