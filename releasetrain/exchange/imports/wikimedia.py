"""A weekly train that rolls through rings, in the columns of Wikimedia's train log."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from trains.actions.deployment_batch import DeploymentRow, record_many
from trains.actions.services import ensure_services
from trains.models import Environment, ImportRun, Train
from trains.rules.readers import wikimedia

from .gathering import Counts, Faults, ensure_environments, put_on_record, stream

SOURCE = "wikimedia-train"
SERVICE, CONFIGURATION, EVERYWHERE = "mediawiki", "mediawiki-config", "all-wikis"


@action(
    "import_run.ring_train",
    creates=ImportRun,
    requires="imports.run",
    within="train",
    label="Import a ring train",
)
def import_ring_train(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    steps: Annotated[
        Upload,
        Field(
            "Train steps", help="CSV: sha, at, action, groups_changed, from_version, to_version, is_revert, …"
        ),
    ],
    config_deploys: Annotated[
        Upload | None, Field("Configuration deployments", help="CSV: sha, merged_at, area, is_revert, …")
    ] = None,
) -> ImportRun:
    """Import the steps of a train through its rings, roll-backs included: all rows or none."""
    started = now()
    faults = Faults()
    rows = list(wikimedia.read_train_steps(stream(steps), faults))
    changes = list(wikimedia.read_config_deploys(stream(config_deploys), faults)) if config_deploys else []
    faults.refuse()
    ensure_services(actor, [SERVICE, *([CONFIGURATION] if changes else [])], train=train)
    # Every ring serves readers, so each one is production.
    rings = dict.fromkeys(sorted({ring for row in rows for ring in row.rings}), Environment.Kind.PRODUCTION)
    everywhere = {EVERYWHERE: Environment.Kind.PRODUCTION} if changes else {}
    ensure_environments(actor, rings | everywhere, train)
    reports = [_step(row, ring) for row in rows if row.to_version for ring in row.rings]
    reports += [_configuration(row) for row in changes]
    counts = Counts()
    counts.add(record_many(actor, reports, source_name=steps.name))
    return put_on_record("ring train", [u for u in (steps, config_deploys) if u], counts, started)


def _step(row: wikimedia.TrainStepRow, ring: str) -> DeploymentRow:
    return DeploymentRow(
        service=SERVICE,
        environment=ring,
        status="succeeded",
        version=row.to_version,
        commit=row.commit,
        kind="rollback" if row.action == "rollback" else "deploy",
        started_at=row.at,
        finished_at=row.at,
        rework=row.action == "rollback",
        source=SOURCE,
        external_id=f"{row.commit}/{ring}",
    )


def _configuration(row: wikimedia.ConfigDeployRow) -> DeploymentRow:
    return DeploymentRow(
        service=CONFIGURATION,
        environment=EVERYWHERE,
        status="succeeded",
        version=row.commit[:10],
        commit=row.commit,
        started_at=row.merged_at,
        finished_at=row.merged_at,
        rework=row.is_revert,
        source=SOURCE,
        external_id=f"config/{row.commit}",
    )
