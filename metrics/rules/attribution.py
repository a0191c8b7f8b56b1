"""Which changes a deployment brought, and which deployment a roll-back or an incident points at."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics.rules.dora import FailureLink, LinkKind, LinkStatus


@dataclass(frozen=True, slots=True)
class DeployedCommit:
    """One commit of one repository put into one environment by one pipeline."""

    id: str
    pipeline: str
    repository: str
    environment: str
    commit: str
    finished_at: datetime
    succeeded: bool
    production: bool = True


def previous_successes(rows: Iterable[DeployedCommit]) -> dict[str, str | None]:
    """For each successful row, the id of the successful one before it in the same pipeline, repository and
    environment. Failed rows and rows without an environment stand outside the chain and get nothing."""
    found: dict[str, str | None] = {}
    last: dict[tuple[str, str, str], str] = {}
    for row in sorted(rows, key=lambda row: (row.finished_at, row.id)):
        found[row.id] = None
        if row.succeeded and row.environment:
            chain = (row.pipeline, row.repository, row.environment)
            found[row.id] = last.get(chain)
            last[chain] = row.id
    return found


def first_deployments(
    rows: Sequence[DeployedCommit], between: Mapping[tuple[str, str], Iterable[str]]
) -> dict[str, DeployedCommit]:
    """For each commit, the first successful production deployment that contains it.

    `between` lists the commits from one deployed commit (exclusive) to the next. A deployment without a
    predecessor brings nothing: everything in the repository would otherwise count as its change.
    """
    by_id = {row.id: row for row in rows}
    previous = previous_successes(rows)
    found: dict[str, DeployedCommit] = {}
    for row in sorted(rows, key=lambda row: (row.finished_at, row.id)):
        before = previous[row.id]
        if before is None or not row.production:
            continue
        for commit in between.get((by_id[before].commit, row.commit), ()):
            found.setdefault(commit, row)
    return found


@dataclass(frozen=True, slots=True)
class DeployedVersion:
    """A version put live; `rollback_from` names the version that a roll-back took away."""

    id: str
    service: str
    version: str
    deployed_at: datetime
    rollback_from: str = ""


def rollback_links(rows: Iterable[DeployedVersion]) -> tuple[FailureLink, ...]:
    """Accepted links from each roll-back to the deployment it undid, and to itself as what recovered service.

    The undone deployment is the last one of the service before the roll-back, provided that it put live the
    version that was taken away.
    """
    live: dict[str, DeployedVersion] = {}
    links: list[FailureLink] = []
    for row in sorted(rows, key=lambda row: (row.deployed_at, row.id)):
        undone = live.get(row.service)
        live[row.service] = row
        if not row.rollback_from:
            continue
        links.append(FailureLink(f"{row.id}#recovered", row.id, row.id, LinkKind.RECOVERED_BY))
        if undone is not None and undone.version == row.rollback_from:
            links.append(FailureLink(f"{row.id}#caused", undone.id, row.id, restored_at=row.deployed_at))
    return tuple(links)


@dataclass(frozen=True, slots=True)
class Incident:
    id: str
    started_at: datetime
    restored_at: datetime | None
    services: frozenset[str] = frozenset()


def propose_links(
    deployments: Sequence[DeployedVersion], incidents: Iterable[Incident]
) -> tuple[FailureLink, ...]:
    """For each incident a proposed link to the last deployment finished strictly before it, of its services
    where they are known. A proposal counts for nothing until a person accepts it."""
    by_service: dict[str, list[DeployedVersion]] = {}
    for row in sorted(deployments, key=lambda row: (row.deployed_at, row.id)):
        by_service.setdefault(row.service, []).append(row)
    links = []
    for incident in incidents:
        before = []
        for service in incident.services or by_service:
            rows = by_service.get(service, [])
            at = bisect_left(rows, incident.started_at, key=lambda row: row.deployed_at)
            if at:
                before.append(rows[at - 1])
        if before:
            cause = max(before, key=lambda row: (row.deployed_at, row.id))
            links.append(
                FailureLink(
                    id=f"{incident.id}#proposed",
                    deployment_id=cause.id,
                    failure_id=incident.id,
                    status=LinkStatus.PROPOSED,
                    started_at=incident.started_at,
                    restored_at=incident.restored_at,
                )
            )
    return tuple(links)
