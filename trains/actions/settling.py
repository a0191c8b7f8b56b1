"""Bringing what was reported about deployments into their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from uuid import UUID

from releasetrain.audit.history import bulk_update_tracked
from trains.models import Deployment
from trains.rules.rollbacks import Past, undoings
from trains.rules.settling import Report

State = Deployment.State
_CHUNK = 5_000
# State, the deployment it undid, the one whose version came back.
_Links = tuple[str, UUID | None, UUID | None]


@dataclass(frozen=True, slots=True)
class _Kept(Past):
    """A deployment with what is on record about rollbacks. Histories are long: columns are read, not objects made."""

    state: str
    rolls_back_id: UUID | None
    restores_id: UUID | None


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
    if not found:
        return
    histories: dict[tuple[UUID, UUID], list[_Kept]] = {pair: [] for pair in found}
    rows = Deployment.objects.filter(service__in={s for s, _ in found}, environment__in={e for _, e in found})
    columns = ("service_id", "environment_id", *(f.name for f in fields(_Kept)))
    for service_id, environment_id, *values in rows.order_by().values_list(*columns).iterator(_CHUNK):
        if (service_id, environment_id) in histories:
            histories[service_id, environment_id].append(_Kept(*values))
    wanting: dict[UUID, _Links] = {}
    for history in histories.values():
        wanting.update(_changed(history))
    changed = list(Deployment.objects.filter(pk__in=list(wanting)))
    for deployment in changed:
        deployment.state, deployment.rolls_back_id, deployment.restores_id = wanting[deployment.pk]
    bulk_update_tracked(changed, ["state", "rolls_back", "restores"])


def _changed(history: list[_Kept]) -> Iterator[tuple[UUID, _Links]]:
    """What must be written anew of one service in one environment."""
    links = undoings(history)
    undone = {u.rolls_back for u in links.values() if u.completed}
    for each in history:
        link = links.get(each.id)
        state = State.ROLLED_BACK if each.id in undone else each.outcome
        wanted = (state, link.rolls_back if link else None, link.restores if link else None)
        if (each.state, each.rolls_back_id, each.restores_id) != wanted:
            yield each.id, wanted
