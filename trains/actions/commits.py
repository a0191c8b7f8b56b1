"""Many commits at once, with the deployments that carried them: all or nothing, one ledger entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.dateparse import parse_datetime

from releasetrain.audit import ledger
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from releasetrain.tenancy.bulk import batches, insert_many
from trains.models import Commit, Deployment, DeploymentCommit, Service

from .permission import require_permission
from .rows_digest import rows_digest

_SHOWN_ERRORS = 50


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One commit of a service; with source and external_id also the deployment that carried it."""

    service: str
    sha: str
    authored_at: datetime
    opened_at: datetime | None = None
    merged_at: datetime | None = None
    author_name: str = ""
    title: str = ""
    source: str = ""
    external_id: str = ""
    author_email: str = ""
    lines_added: int | None = None
    lines_removed: int | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any], *, service: str, index: int) -> CommitRow:
        """A commit from a JSON object, or a refusal that names the field at fault."""
        sha = str(given.get("sha") or "")
        if not 4 <= len(sha) <= 64:
            refuse("commit.sha", "A commit is named by its hash.", field=f"commits/{index}/sha")
        moments = {
            n: _moment(given.get(n), f"commits/{index}/{n}")
            for n in ("authored_at", "opened_at", "merged_at")
        }
        authored = moments["authored_at"]
        if authored is None:
            refuse(
                "required", "A commit needs the moment it was written.", field=f"commits/{index}/authored_at"
            )
        return cls(
            service=service,
            sha=sha,
            authored_at=authored,
            author_name=str(given.get("author_name") or "")[:200],
            title=str(given.get("title") or "")[:300],
            author_email=str(given.get("author_email") or "").strip()[:254],
            opened_at=moments["opened_at"],
            merged_at=moments["merged_at"],
            lines_added=_lines(given.get("lines_added"), f"commits/{index}/lines_added"),
            lines_removed=_lines(given.get("lines_removed"), f"commits/{index}/lines_removed"),
        )


@dataclass(frozen=True)
class CommitResult:
    """What came of a batch, and the digest over its rows that the ledger holds."""

    rows: int
    created: int
    completed: int
    linked: int
    digest: str


_COLUMNS = tuple(f.name for f in fields(CommitRow))
_Key = tuple[UUID, str]


def _moment(value: Any, field: str) -> datetime | None:
    if value in (None, ""):
        return None
    moment = value if isinstance(value, datetime) else _parsed(str(value))
    if moment is None or moment.utcoffset() is None:
        refuse("time.invalid", f"{value!r} is no RFC 3339 time with its offset.", field=field)
    return moment


def _lines(value: Any, field: str) -> int | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000_000:
        refuse("commit.lines", "Changed lines are a whole number from 0.", field=field)
    return value


def _parsed(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def record_many(
    actor: Actor, rows: Iterable[CommitRow], *, source_name: str = "", deployment: Deployment | None = None
) -> CommitResult:
    """Record commits; what a known commit lacked is completed, what it has stays.

    With `deployment` all of them were carried by it; else each row may name its deployment by source and id.
    """
    if deployment is None:
        require_permission(actor, "imports.run")
    listed = list(rows)
    with transaction.atomic():
        services = _services(listed)
        deployments = _deployments(listed)
        merged = _merged(listed, services)
        known = _known(merged)
        created = [commit for key, commit in merged.items() if key not in known]
        completed = [stored for key, stored in known.items() if _complete(stored, merged[key])]
        insert_many(created)
        if completed:
            for commit in completed:
                commit.prepare_save()
            names = [
                "opened_at",
                "merged_at",
                "author_name",
                "author_email",
                "title",
                "lines_added",
                "lines_removed",
            ]
            names.append("row_version")
            Commit.objects.bulk_update(completed, names, batch_size=1_000)
        by_key = {key: known.get(key, commit) for key, commit in merged.items()}
        links = _links(listed, services, deployments, by_key, deployment)
        insert_many(links, ignore_conflicts=True)
        result = CommitResult(
            rows=len(listed),
            created=len(created),
            completed=len(completed),
            linked=len(links),
            digest=rows_digest(listed, _COLUMNS),
        )
        ledger.append(actor, "commit.record_many", deployment, {"source": source_name, **vars(result)})
    return result


def _services(rows: list[CommitRow]) -> dict[str, Service]:
    names = {row.service for row in rows}
    services = {s.name: s for s in Service.objects.filter(name__in=names)}
    faults = [
        Refusal(
            "service.unknown",
            f"Row {i + 1}: There is no service {r.service}.",
            field=f"rows/{i}/service",
            status=422,
        )
        for i, r in enumerate(rows)
        if r.service not in services
    ]
    if faults:
        raise Refused(*faults[:_SHOWN_ERRORS])
    return services


def _deployments(rows: list[CommitRow]) -> dict[tuple[str, str], UUID]:
    named = {(row.source, row.external_id) for row in rows if row.external_id}
    found: dict[tuple[str, str], UUID] = {}
    for chunk in batches(sorted(named)):
        stored = Deployment.objects.filter(
            source__in={s for s, _ in chunk}, external_id__in=[e for _, e in chunk]
        )
        for source, external_id, pk in stored.values_list("source", "external_id", "pk"):
            found[source, external_id] = pk
    faults = [
        Refusal(
            "deployment.unknown",
            f"Row {i + 1}: No deployment {r.external_id} of {r.source or 'no source'} is on record.",
            field=f"rows/{i}/external_id",
            status=422,
        )
        for i, r in enumerate(rows)
        if r.external_id and (r.source, r.external_id) not in found
    ]
    if faults:
        raise Refused(*faults[:_SHOWN_ERRORS])
    return found


def _merged(rows: list[CommitRow], services: dict[str, Service]) -> dict[_Key, Commit]:
    """One commit for each service and hash; a commit named twice is completed by the second row."""
    found: dict[_Key, Commit] = {}
    for row in rows:
        key = (services[row.service].pk, row.sha)
        commit = Commit(
            service_id=services[row.service].pk,
            sha=row.sha,
            authored_at=row.authored_at,
            opened_at=row.opened_at,
            merged_at=row.merged_at,
            author_name=row.author_name[:200],
            author_email=row.author_email[:254],
            title=row.title[:300],
            lines_added=row.lines_added,
            lines_removed=row.lines_removed,
        )
        if key in found:
            _complete(found[key], commit)
        else:
            found[key] = commit
    return found


def _complete(stored: Commit, said: Commit) -> bool:
    changed = False
    for name in ("opened_at", "merged_at", "author_name", "author_email", "title"):
        if not getattr(stored, name) and getattr(said, name):
            setattr(stored, name, getattr(said, name))
            changed = True
    for name in ("lines_added", "lines_removed"):
        if getattr(stored, name) is None and getattr(said, name) is not None:
            setattr(stored, name, getattr(said, name))
            changed = True
    return changed


def _known(merged: dict[_Key, Commit]) -> dict[_Key, Commit]:
    found: dict[_Key, Commit] = {}
    for chunk in batches(list(merged)):
        rows = Commit.objects.filter(service__in={s for s, _ in chunk}, sha__in=[sha for _, sha in chunk])
        found.update({(c.service_id, c.sha): c for c in rows if (c.service_id, c.sha) in merged})
    return found


def _links(
    rows: list[CommitRow],
    services: dict[str, Service],
    deployments: dict[tuple[str, str], UUID],
    commits: dict[_Key, Commit],
    deployment: Deployment | None,
) -> list[DeploymentCommit]:
    pairs = {
        (
            deployment.pk if deployment else deployments[row.source, row.external_id],
            commits[services[row.service].pk, row.sha].pk,
        )
        for row in rows
        if deployment is not None or row.external_id
    }
    return [DeploymentCommit(deployment_id=d, commit_id=c) for d, c in sorted(pairs)]
