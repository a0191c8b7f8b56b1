"""Deployments and commits in the columns of GOV.UK's deployment history."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from trains.actions.commits import CommitRow
from trains.actions.commits import record_many as record_commits
from trains.actions.deployment_batch import DeploymentRow, record_many
from trains.actions.services import ensure_services
from trains.models import Environment, ImportRun, Train
from trains.rules.readers import govuk

from .gathering import Counts, Faults, ensure_environments, put_on_record, stream

SOURCE = "govuk"
KINDS = {"deploy": "deploy", "first": "deploy", "redeploy_old": "redeploy", "rollback": "rollback"}
ENVIRONMENTS = {
    "integration": Environment.Kind.TEST,
    "staging": Environment.Kind.STAGING,
    "production": Environment.Kind.PRODUCTION,
}


@action(
    "import_run.deployment_history",
    creates=ImportRun,
    requires="imports.run",
    within="train",
    label="Import a deployment history",
)
def import_deployment_history(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train", help="Services that are not known yet join it.")],
    deployments: Annotated[
        Upload,
        Field(
            "Deployments", help="CSV, plain or gzip: deployed_at, requested_at, env, app, version, kind, …"
        ),
    ],
    commits: Annotated[
        Upload | None,
        Field(
            "Commits", help="CSV, plain or gzip: app, version, deployed_at, sha, authored_at, merged_at, …"
        ),
    ] = None,
) -> ImportRun:
    """Import a deployment history with its commits: all rows or none."""
    started = now()
    faults = Faults()
    rows = list(govuk.read_deployments(stream(deployments), faults))
    changes = list(govuk.read_commits(stream(commits), faults)) if commits else []
    faults.refuse()
    ensure_services(actor, [row.application for row in rows], train=train)
    names = dict.fromkeys(row.environment for row in rows)
    kinds = {
        name: ENVIRONMENTS.get(name, Environment.Kind.TEST)
        for name in sorted(names, key=lambda n: list(ENVIRONMENTS).index(n) if n in ENVIRONMENTS else 99)
    }
    ensure_environments(actor, kinds, train)
    counts = Counts()
    counts.add(record_many(actor, [_deployment(row) for row in rows], source_name=deployments.name))
    if commits:
        deployed = {(r.application, r.version, r.deployed_at) for r in rows if r.environment == "production"}
        counts.add_commits(
            record_commits(
                actor,
                [_commit(row, deployed) for row in changes if row.authored_at],
                source_name=commits.name,
            )
        )
    return put_on_record("deployment history", [u for u in (deployments, commits) if u], counts, started)


def _id(environment: str, application: str, version: str, at: object) -> str:
    return f"{environment}/{application}/{version}/{at.isoformat()}"  # type: ignore[attr-defined]


def _deployment(row: govuk.DeploymentRow) -> DeploymentRow:
    return DeploymentRow(
        service=row.application,
        environment=row.environment,
        status="succeeded",
        version=row.version,
        commit=row.commit,
        kind=KINDS[row.kind],
        # A version is live at `deployed_at`; the request may carry the later stamp when two builds overtook each other.
        started_at=min(row.requested_at, row.deployed_at),
        finished_at=row.deployed_at,
        rework=row.kind == "rollback",
        source=SOURCE,
        external_id=_id(row.environment, row.application, row.version, row.deployed_at),
    )


def _commit(row: govuk.CommitRow, deployed: set[tuple[str, str, object]]) -> CommitRow:
    """A commit, linked to the production deployment that carried it where that is in the same import."""
    known = (row.application, row.version, row.deployed_at) in deployed
    return CommitRow(
        service=row.application,
        sha=row.commit,
        authored_at=row.authored_at,  # type: ignore[arg-type]
        merged_at=row.merged_at,
        author_name=row.author,
        title=row.subject[:300],
        source=SOURCE if known else "",
        external_id=_id("production", row.application, row.version, row.deployed_at) if known else "",
    )
