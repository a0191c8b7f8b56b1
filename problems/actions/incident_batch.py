"""Many incidents at once, for importers: the rules of `incident.record`, all or nothing, one ledger entry."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from governance.gates import invalidate
from problems.models import Category, FailureLink, Incident, IncidentService
from problems.queries.evidence import is_link
from problems.rules.incident_times import NAMES, Times
from problems.rules.suspects import LOOK_BACK, Candidate, suspect
from releasetrain.audit import ledger
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest as digest_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.models import next_keys
from trains.actions.permission import require_permission
from trains.models import Deployment, Service

from .failure_links import candidate, production_deployments
from .incidents import take_times, times_of
from .recurring import follow

_SHOWN_ERRORS = 50


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident as a source has it: services by name; `caused_by` are ids of deployments in the same source."""

    title: str
    services: tuple[str, ...]
    detected_at: datetime
    source: str
    external_id: str
    severity: int = 3
    started_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    impact: str = ""
    category: str = ""
    fingerprint: str = ""
    url: str = ""
    caused_by: tuple[str, ...] = ()
    acknowledged_at: datetime | None = None

    @property
    def times(self) -> Times:
        return Times(**{name: getattr(self, name) for name in NAMES})


@dataclass(frozen=True)
class BatchResult:
    """What came of a batch, and the digest over its rows that the ledger holds."""

    rows: int
    created: int
    updated: int
    unchanged: int
    linked: int
    digest: str


_COLUMNS = tuple(f.name for f in fields(IncidentRow))
_TEXTS = ("impact", "category", "fingerprint", "url")


def record_many(actor: Actor, rows: Iterable[IncidentRow], *, source_name: str = "") -> BatchResult:
    """Record incidents that a file or a feed reports.

    Causes that the source names are linked as accepted; for the others the last production deployment of an affected
    service in the day before is proposed.
    """
    require_permission(actor, "imports.run")
    listed = list(rows)
    with transaction.atomic():
        services = {
            s.name: s.pk for s in Service.objects.filter(name__in={n for r in listed for n in r.services})
        }
        _check(listed, services)
        known = {
            (i.source, i.external_id): i
            for i in Incident.objects.select_for_update(of=("self",)).filter(
                source__in={r.source for r in listed}, external_id__in=[r.external_id for r in listed]
            )
        }
        created, updated, by_row = _settled(listed, known)
        for incident, key in zip(
            created, next_keys(Incident.key_prefix, len(created)) if created else [], strict=True
        ):
            incident.key = key
        bulk_create_tracked(created)
        bulk_update_tracked(updated, [*NAMES, "severity", "state", *_TEXTS])
        _touch(listed, by_row, services)
        linked = _link(listed, by_row, services)
        changed = Incident.objects.filter(pk__in=[i.pk for i in (*created, *updated)]).prefetch_related(
            "services"
        )
        follow(actor, list(changed))
        invalidate(organization=True)
        result = BatchResult(
            rows=len(listed),
            created=len(created),
            updated=len(updated),
            unchanged=len({i.pk for i in by_row}) - len(created) - len(updated),
            linked=linked,
            digest=digest_of([[getattr(row, name) for name in _COLUMNS] for row in listed]),
        )
        ledger.append(actor, "incident.record_many", None, {"source": source_name, **vars(result)})
    return result


def _check(rows: Sequence[IncidentRow], services: dict[str, UUID]) -> None:
    """Refuse with every fault and the place of its row."""
    found: list[Refusal] = []

    def fault(index: int, column: str, code: str, sentence: str) -> None:
        found.append(
            Refusal(code, f"Row {index + 1}: {sentence}", field=f"rows/{index}/{column}", status=422)
        )

    for index, row in enumerate(rows):
        if not row.services:
            fault(index, "services", "required", "An incident touches at least one service.")
        for name in row.services:
            if name not in services:
                fault(index, "services", "service.unknown", f"There is no service {name}.")
        if not row.external_id or not row.source:
            fault(
                index, "external_id", "required", "An incident in a batch needs its source and its id there."
            )
        if row.severity not in (1, 2, 3, 4):
            fault(index, "severity", "incident.severity", "A severity is a number from 1 to 4.")
        if row.category and row.category not in Category.values:
            fault(index, "category", "incident.category", f"{row.category!r} is no category.")
        if row.url and not is_link(row.url):
            fault(index, "url", "incident.url", f"{row.url} is no web address.")
        wrong = row.times.disorder()
        if wrong:
            fault(index, wrong[0], "incident.order", wrong[1])
    if found:
        raise Refused(*found[:_SHOWN_ERRORS])


def _settled(
    rows: Sequence[IncidentRow], known: dict[tuple[str, str], Incident]
) -> tuple[list[Incident], list[Incident], list[Incident]]:
    """New incidents, those that change, and the incident of every row; reports of one incident are merged."""
    created: list[Incident] = []
    updated: dict[UUID, Incident] = {}
    by_row: list[Incident] = []
    new: set[UUID] = set()
    for row in rows:
        incident = known.get((row.source, row.external_id))
        if incident is None:
            incident = Incident(
                title=row.title[:200], severity=row.severity, source=row.source, external_id=row.external_id
            )
            take_times(incident, row.times)
            known[row.source, row.external_id] = incident
            created.append(incident)
            new.add(incident.pk)
            for name in _TEXTS:
                setattr(incident, name, getattr(row, name))
        elif _take(incident, row) and incident.pk not in new:
            updated[incident.pk] = incident
        by_row.append(incident)
    return created, list(updated.values()), by_row


def _take(incident: Incident, row: IncidentRow) -> bool:
    names = (*NAMES, "severity", "state", *_TEXTS)
    before = [getattr(incident, n) for n in names]
    merged = times_of(incident).merged(row.times)
    wrong = merged.disorder()
    if wrong:
        raise Refused(Refusal("incident.order", f"{row.external_id}: {wrong[1]}", field=wrong[0], status=422))
    take_times(incident, merged)
    incident.severity = min(int(incident.severity), row.severity)
    for name in _TEXTS:
        setattr(incident, name, getattr(incident, name) or getattr(row, name))
    return before != [getattr(incident, n) for n in names]


def _touch(rows: Sequence[IncidentRow], incidents: Sequence[Incident], services: dict[str, UUID]) -> None:
    wanted = {(i.pk, services[n]) for row, i in zip(rows, incidents, strict=True) for n in row.services}
    there = set(
        IncidentService.objects.filter(incident__in={i for i, _ in wanted}).values_list(
            "incident_id", "service_id"
        )
    )
    missing = [IncidentService(incident_id=i, service_id=s) for i, s in sorted(wanted - there)]
    for each in missing:
        each.prepare_save()
    IncidentService.objects.bulk_create(missing, batch_size=2_000)


def _link(rows: Sequence[IncidentRow], incidents: Sequence[Incident], services: dict[str, UUID]) -> int:
    """Link stated causes, propose suspects for the rest; what is linked already stays."""
    known = set(
        FailureLink.objects.filter(incident__in=incidents, kind=FailureLink.Kind.CAUSED).values_list(
            "incident_id", flat=True
        )
    )
    named = {(r.source, e) for r in rows for e in r.caused_by}
    deployments = {
        (d.source, d.external_id): d.pk
        for d in Deployment.objects.filter(
            source__in={s for s, _ in named}, external_id__in={e for _, e in named}
        )
    }
    lanes = _lanes(rows, services)
    links: dict[tuple[UUID, UUID], FailureLink] = {}
    at = now()
    for row, incident in zip(rows, incidents, strict=True):
        if incident.pk in known:
            continue
        stated = [deployments[row.source, e] for e in row.caused_by if (row.source, e) in deployments]
        for found in stated:
            links[incident.pk, found] = FailureLink(
                incident=incident,
                deployment_id=found,
                status=FailureLink.Status.ACCEPTED,
                decided_at=at,
                reason=f"Stated by {row.source}.",
            )
        if not stated:
            near = [c for n in row.services for c in _near(lanes.get(services[n]), incident.detected_at)]
            guess = suspect(incident.detected_at, incident.began_at, near)
            if guess is not None:
                links[incident.pk, guess] = FailureLink(
                    incident=incident,
                    deployment_id=guess,
                    reason="The last production deployment of an affected service in the 24 hours before detection.",
                )
    bulk_create_tracked(list(links.values()))
    return len(links)


_Lane = tuple[list[datetime], list[Candidate]]


def _lanes(rows: Sequence[IncidentRow], services: dict[str, UUID]) -> dict[UUID, _Lane]:
    """The production deployments of each service by the moment they went live, over the span of the batch."""
    if not rows:
        return {}
    first = min(r.detected_at for r in rows) - LOOK_BACK - timedelta(days=7)
    last = max(r.detected_at for r in rows)
    found = production_deployments().filter(
        service__in=services.values(), started_at__gte=first, started_at__lte=last
    )
    by_service: dict[UUID, list[Candidate]] = {}
    for service_id, *values in found.values_list("service_id", "pk", "started_at", "finished_at", "state"):
        by_service.setdefault(service_id, []).append(candidate(*values))
    lanes: dict[UUID, _Lane] = {}
    for service_id, each in by_service.items():
        each.sort(key=lambda c: c.live_at)
        lanes[service_id] = ([c.live_at for c in each], each)
    return lanes


def _near(lane: _Lane | None, detected_at: datetime) -> list[Candidate]:
    if lane is None:
        return []
    moments, found = lane
    return found[bisect_left(moments, detected_at - LOOK_BACK) : bisect_right(moments, detected_at)]
