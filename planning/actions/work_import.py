"""Importing work items from a tracker: all or nothing, each field from its one master, again without harm."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from planning.models import TrackerLink, WorkItem
from planning.queries.work_import import plan_import
from releasetrain.audit.doorway import action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from releasetrain.tenancy.models import next_keys
from trains.models import ImportRun, Train

from .feature_import import MOST_BYTES, MOST_ERRORS_SHOWN
from .work import TRACKED


@action(
    "work_item.import_csv",
    creates=WorkItem,
    requires="planning.edit",
    within="train",
    label="Import work items",
)
def import_work(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    tracker: Annotated[str, Field("Tracker", "Its name; ids are its own.", max_length=40)],
    file: Annotated[
        Upload, Field("File", "CSV, or a CSV export of Jira or Azure DevOps; UTF-8.", max=MOST_BYTES)
    ],
    mapping: Annotated[
        dict[str, Any] | None, Field("Mapping", "Column names by field, where the header does not say it.")
    ] = None,
    dry_run: Annotated[bool, Field("Dry run", "Only say what would happen.")] = False,
) -> Any:
    """Create and update work items by their ids in a tracker; one bad row and nothing is imported."""
    started, tracker = now(), tracker.strip()
    if not tracker:
        refuse("tracker.name", "A tracker has a name.", field="tracker", status=422)
    link = TrackerLink.objects.filter(train=train, name=tracker).first()
    if link is None:
        # A tracker that nobody has spoken of keeps all it can until somebody takes fields over.
        link = TrackerLink(train=train, name=tracker, tracker_fields=list(TRACKED))
    plan = plan_import(train, tracker, frozenset(link.tracker_fields), file.content, mapping)
    if dry_run:
        return plan.summary()
    if plan.errors:
        remedy = "Correct the file and import it again."
        raise Refused(
            *[
                Refusal("import.row", str(e), remedy=remedy, field="file", status=422)
                for e in plan.errors[:MOST_ERRORS_SHOWN]
            ]
        )
    if link._state.adding:
        link.save()
    touched: set[str] = set()
    for change in plan.changes:
        for name, (_, value) in change.changes.items():
            setattr(change.item, name, value)
            touched.add(
                name.removesuffix("_id") if name in ("team_id", "iteration_id", "feature_id") else name
            )
    created = [c.item for c in plan.created]
    for item, key in zip(
        created, next_keys(WorkItem.key_prefix, len(created)) if created else [], strict=True
    ):
        item.key = key
    bulk_create_tracked(created)
    bulk_update_tracked([c.item for c in plan.updated], sorted(touched))
    run = ImportRun(
        kind=f"work.{plan.file.format}",
        source_name=f"{tracker}: {file.name}"[:200],
        digest="sha256:" + hashlib.sha256(file.content).hexdigest(),
        rows=len(plan.changes),
        created=len(plan.created),
        updated=len(plan.updated),
        unchanged=plan.unchanged,
        started_at=started,
        finished_at=now(),
    )
    run.save()
    return run
