"""Importing features: all or nothing, and the same file twice changes nothing the second time."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from planning.models import Feature, FeatureDependency, Theme
from planning.queries.feature_import import ImportPlan, plan_import
from releasetrain.audit.doorway import action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import Refusal, Refused
from releasetrain.tenancy.models import next_keys
from trains.models import ImportRun, Train

MOST_BYTES = 20 * 1024 * 1024
MOST_ERRORS_SHOWN = 200


@action(
    "feature.import_csv",
    hidden=True,
    creates=Feature,
    requires="planning.edit",
    within="train",
    label="Import features",
)
def import_features(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    file: Annotated[
        Upload, Field("File", "CSV, or a CSV export of Jira or Azure DevOps; UTF-8.", max=MOST_BYTES)
    ],
    mapping: Annotated[
        dict[str, Any] | None, Field("Mapping", "Column names by field, where the header does not say it.")
    ] = None,
    dry_run: Annotated[bool, Field("Dry run", "Only say what would happen.")] = False,
) -> Any:
    """Create and update features from a file by their external ids; one bad row and nothing is imported."""
    started = now()
    plan = plan_import(train, file.content, mapping)
    if dry_run:
        return plan.summary()
    refuse_errors(plan)
    _write(actor, train, plan)
    run = ImportRun(
        kind=f"features.{plan.file.format}",
        source_name=file.name[:200],
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


def refuse_errors(plan: ImportPlan) -> None:
    """Refuse the whole file when a single row of it is wrong, naming each."""
    if plan.errors:
        raise Refused(
            *[
                Refusal(
                    "import.row",
                    str(e),
                    remedy="Correct the file and import it again.",
                    field="file",
                    status=422,
                )
                for e in plan.errors[:MOST_ERRORS_SHOWN]
            ]
        )


def _write(actor: Actor, train: Train, plan: ImportPlan) -> None:
    themes = {t.name.casefold(): t for t in Theme.objects.filter(train=train)}
    for theme in bulk_create_tracked([Theme(train=train, name=name) for name in plan.themes]):
        themes[theme.name.casefold()] = theme
    moment = now()
    touched: set[str] = set()
    for change in plan.changes:
        for name, (_, value) in change.changes.items():
            if name == "theme":
                change.feature.theme = themes[value.casefold()]
                touched.add("theme")
            else:
                setattr(change.feature, name, value)
                touched.add(name.removesuffix("_id"))
        if "wsjf" in change.changes:
            change.feature.agreed_at, change.feature.agreed_by_id = moment, actor.user_id
            touched |= {"agreed_at", "agreed_by"}
    created = [c.feature for c in plan.created]
    for feature, key in zip(
        created, next_keys(Feature.key_prefix, len(created)) if created else [], strict=True
    ):
        feature.key = key
    bulk_create_tracked(created)
    bulk_update_tracked([c.feature for c in plan.updated], sorted(touched))
    features = {c.feature.external_id: c.feature for c in plan.changes}
    missing = {i for pair in plan.links for i in pair} - features.keys()
    features |= {f.external_id: f for f in Feature.objects.filter(train=train, external_id__in=missing)}
    bulk_create_tracked(
        [FeatureDependency(provider=features[p], consumer=features[c]) for p, c in plan.links]
    )
