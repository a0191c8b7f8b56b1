"""The rows behind the five delivery metrics, read from deployments, commits, incidents and rollbacks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from metrics.rules.dora import (
    ChangeInDeployment,
    Deployment,
    DeploymentLog,
    FailureLink,
    LinkKind,
    LinkStatus,
    Outcome,
    Purpose,
)
from metrics.rules.periods import Period
from problems.models import FailureLink as Link
from trains.models import Deployment as Row
from trains.models import DeploymentCommit, Environment

REACHED = (Row.State.SUCCEEDED, Row.State.FAILED, Row.State.ROLLED_BACK)
_OUTCOMES = {
    Row.State.SUCCEEDED: Outcome.SUCCEEDED,
    Row.State.FAILED: Outcome.FAILED,
    Row.State.ROLLED_BACK: Outcome.ROLLED_BACK,
    Row.State.CANCELLED: Outcome.ABORTED,
    Row.State.RUNNING: Outcome.RUNNING,
}


@dataclass(frozen=True)
class Wanted:
    """Whose deployments are asked for; empty means all. Ids as text, as addresses carry them."""

    train: str = ""
    team: str = ""
    service: str = ""


@dataclass(frozen=True)
class Rows:
    """Everything that the metrics of a period are computed from."""

    log: DeploymentLog
    changes: list[ChangeInDeployment]
    links: list[FailureLink]


def production() -> list[uuid.UUID]:
    """The environments whose deployments count."""
    return list(Environment.objects.filter(kind=Environment.Kind.PRODUCTION).values_list("id", flat=True))


def rows_of(period: Period, wanted: Wanted) -> Rows:
    """Production deployments of the period with their changes and failures."""
    chosen = Row.objects.filter(environment_id__in=production(), **_filters(wanted)).order_by()
    return rows_among(chosen.filter(finished_at__gte=period.start, finished_at__lt=period.end))


def rows_among(inside: QuerySet[Row], service: Any = "service__name") -> Rows:
    """These production deployments with their changes and failures (five queries)."""
    # Ids leave the database as text: making tens of thousands of UUID objects costs more than all else.
    values = inside.values_list(
        text_of("id"), service, "finished_at", "state", "kind", "emergency", "rework", "release__classification",
        "service__team__code", "service__train__key",
    )  # fmt: skip
    log = DeploymentLog([_deployment(*row) for row in values.iterator(5_000)])
    carried = DeploymentCommit.objects.filter(deployment__in=inside).order_by()
    first = _first_of_repeated(carried)
    changes = [
        ChangeInDeployment(
            commit,
            deployment,
            authored,
            opened,
            merged,
            finished is not None and finished > first.get((commit, into), finished),
            None if added is removed is None else (added or 0) + (removed or 0),
        )
        for commit, deployment, into, finished, authored, opened, merged, added, removed in carried.values_list(
            text_of("commit_id"),
            text_of("deployment_id"),
            text_of("deployment__service_id"),
            "deployment__finished_at",
            "commit__authored_at",
            "commit__opened_at",
            "commit__merged_at",
            "commit__lines_added",
            "commit__lines_removed",
        ).iterator(5_000)
    ]
    return Rows(log, changes, [*_incidents(inside), *_rollbacks(inside)])


def _first_of_repeated(carried: QuerySet[DeploymentCommit]) -> dict[tuple[str, str], datetime]:
    """When a service first got a commit that it got more than once, by commit and service.

    Few are, and one grouped query finds them; asked row by row, every commit would look through its service's past.
    """
    found = DeploymentCommit.objects.filter(
        commit_id__in=carried.values("commit_id"),
        deployment__environment_id__in=production(),
        deployment__state__in=REACHED,
        deployment__finished_at__isnull=False,
    )
    repeated = (
        found.order_by()
        .values(commit_text=text_of("commit_id"), service_text=text_of("deployment__service_id"))
        .annotate(first=Min("deployment__finished_at"), times=Count("id"))
        .filter(times__gt=1)
    )
    return {
        (commit, service): first
        for commit, service, first in repeated.values_list("commit_text", "service_text", "first")
    }


def text_of(column: str) -> Cast:
    """The column as text."""
    return Cast(column, TextField())


def _filters(wanted: Wanted) -> dict[str, str]:
    paths = {"service__train_id": wanted.train, "service__team_id": wanted.team, "service_id": wanted.service}
    return {path: value for path, value in paths.items() if value}


def _deployment(
    pk, service, finished, state, kind, emergency, rework, classification, team, train
) -> Deployment:
    purpose = Purpose.PLANNED
    if kind == Row.Kind.ROLLBACK:
        purpose = Purpose.ROLLBACK
    elif emergency:
        purpose = Purpose.EMERGENCY
    elif classification in ("problem_fix", "hotfix"):
        purpose = Purpose.PROBLEM_FIX
    return Deployment(pk, service, finished, True, _OUTCOMES[state], purpose, rework, team or "", train or "")


def _incidents(inside) -> list[FailureLink]:  # type: ignore[no-untyped-def]
    """Incidents that a deployment is linked to, whatever the state of the link: the rules say which count."""
    found = Link.objects.filter(deployment__in=inside).select_related("incident")
    return [
        FailureLink(
            str(link.pk),
            str(link.deployment_id),
            str(link.incident_id),
            LinkKind(link.kind),
            LinkStatus(link.status),
            link.incident.started_at or link.incident.detected_at,
            link.incident.mitigated_at or link.incident.resolved_at,
        )
        for link in found
    ]


def _rollbacks(inside: QuerySet[Row]) -> list[FailureLink]:
    """A rollback says that what it undid failed, and when service was restored; an incident says it better.

    Where both are known for a deployment, the failure began no later than the earlier of the two.
    """
    undoing = Row.objects.filter(
        kind=Row.Kind.ROLLBACK, outcome=Row.State.SUCCEEDED, rolls_back__in=inside
    ).order_by()
    accused = Link.objects.filter(
        kind=LinkKind.CAUSED.value, status=LinkStatus.ACCEPTED.value, deployment_id=OuterRef("rolls_back_id")
    )
    return [
        FailureLink(str(pk), str(failed), str(pk), LinkKind.CAUSED, LinkStatus.ACCEPTED, began, restored)
        for pk, failed, began, restored in undoing.filter(~Exists(accused)).values_list(
            "id", "rolls_back_id", "rolls_back__finished_at", "finished_at"
        )
    ]
