"""Bringing what was reported about deployments into their rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from releasetrain.audit.history import bulk_update_tracked
from trains.models import Deployment
from trains.rules.rollbacks import Past, undoings
from trains.rules.settling import Report

State = Deployment.State


def as_report(deployment: Deployment) -> Report:
    """The deployment as one report, to merge another into it."""
    return Report(
        service=deployment.service.name,
        environment=deployment.environment.name,
        status=deployment.outcome,
        started_at=deployment.started_at,
        finished_at=deployment.finished_at,
        version=deployment.version,
        commit=deployment.commit,
        digest=deployment.artifact.digest if deployment.artifact else "",
        release=deployment.release.key if deployment.release else "",
        kind=deployment.kind,
        emergency=deployment.emergency,
        rework=deployment.rework,
        deployed_by_name=deployment.deployed_by_name,
        url=deployment.url,
    )


SAID = (
    "started_at",
    "finished_at",
    "version",
    "commit",
    "kind",
    "emergency",
    "rework",
    "deployed_by_name",
    "url",
)


def take_over(deployment: Deployment, report: Report) -> bool:
    """Put what the report says into the row; true when anything changed. A rollback that undid it stays in force."""
    before = [getattr(deployment, name) for name in (*SAID, "outcome", "state")]
    for name in SAID:
        setattr(deployment, name, getattr(report, name))
    deployment.outcome = report.status
    if deployment.state != State.ROLLED_BACK:
        deployment.state = report.status
    return before != [getattr(deployment, name) for name in (*SAID, "outcome", "state")]


def settle_rollbacks(pairs: Iterable[tuple[UUID, UUID]]) -> None:
    """Recompute, for these services in these environments, which deployments were undone by which rollback.

    It looks at the whole history of a pair, so that a report which arrives late changes the answer as if it had
    arrived in time. Pairs without rollbacks cost one query together.
    """
    wanted = set(pairs)
    rollbacks = Deployment.objects.filter(
        kind=Deployment.Kind.ROLLBACK,
        service__in={s for s, _ in wanted},
        environment__in={e for _, e in wanted},
    )
    found = wanted & set(rollbacks.values_list("service_id", "environment_id").distinct().order_by())
    changed: list[Deployment] = []
    for service_id, environment_id in sorted(found):
        rows = list(Deployment.objects.filter(service_id=service_id, environment_id=environment_id))
        links = undoings(Past(d.pk, d.kind, d.outcome, d.version, d.started_at) for d in rows)
        undone = {u.rolls_back for u in links.values() if u.completed}
        changed.extend(d for d in rows if _relink(d, links.get(d.pk), undone))
    bulk_update_tracked(changed, ["state", "rolls_back", "restores"])


def _relink(deployment: Deployment, link: Any, undone: set[Any]) -> bool:
    state = State.ROLLED_BACK if deployment.pk in undone else deployment.outcome
    wanted = (state, link.rolls_back if link else None, link.restores if link else None)
    if (deployment.state, deployment.rolls_back_id, deployment.restores_id) == wanted:
        return False
    deployment.state, deployment.rolls_back_id, deployment.restores_id = wanted
    return True
