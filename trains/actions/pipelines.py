"""Verbs of pipelines: stages in order, and the events that measure waiting and working."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from releasetrain.audit import ledger
from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.bulk import insert_many
from trains.models import ImportRun, Pipeline, Service, Stage, StageEvent, Team
from trains.rules.readers.row_error import RowError
from trains.rules.stage_rows import StageEventRow, read_stage_events

explain_constraint("pipeline_name_once", "The service has a pipeline of this name.")
MOST_STAGES = 30


@action(
    "pipeline.create", creates=Pipeline, requires="trains.manage", within="service", label="Map a pipeline"
)
def create_pipeline(
    actor: Actor,
    *,
    service: Annotated[Service, Field("Service")],
    name: Annotated[str, Field("Name", max_length=120)] = "delivery",
    stages: Annotated[
        list[str],
        Field(
            "Stages",
            help="In order, one a line; the code of the team after a colon where it has one: Build:PLT.",
            long=True,
        ),
    ],
) -> Pipeline:
    """Map the way a service's changes take, as ordered stages."""
    if not name.strip():
        refuse("pipeline.name", "A pipeline has a name.", field="name")
    if Pipeline.objects.filter(service=service, name=name.strip()).exists():
        refuse("pipeline.exists", f"{service} has a pipeline {name.strip()}.", field="name")
    pipeline = Pipeline.objects.create(service=service, name=name.strip())
    _set(pipeline, stages)
    return pipeline


@action("pipeline.set_stages", on=Pipeline, requires="trains.manage", label="Change stages")
def set_stages(
    actor: Actor,
    pipeline: Pipeline,
    *,
    stages: Annotated[
        list[str],
        Field(
            "Stages",
            help="All of them in order, one a line: Build:PLT. What is left out is retired.",
            long=True,
        ),
    ],
) -> Pipeline:
    """Say anew which stages a pipeline has; stages of the same name keep their events."""
    _set(pipeline, stages)
    return pipeline


def _set(pipeline: Pipeline, words: Iterable[str]) -> None:
    named = _read(words)
    codes = {code for _, code in named if code}
    teams = {t.code: t for t in Team.objects.filter(code__in=codes)}
    unknown = sorted(codes - teams.keys())
    if unknown:
        refuse("pipeline.team", f"There is no team {unknown[0]}.", field="stages")
    standing = {s.name: s for s in pipeline.stages.filter(retired_at__isnull=True)}
    for stage in standing.values():
        # Places are given anew; until then each stands where no other can be.
        stage.position += 1000
        if stage.name not in {name for name, _ in named}:
            stage.retired_at = now()
        stage.save()
    for position, (name, code) in enumerate(named, 1):
        stage = standing.get(name) or Stage(pipeline=pipeline, name=name)
        stage.position, stage.team = position, teams.get(code)
        stage.save()


def _read(words: Iterable[str]) -> list[tuple[str, str]]:
    """(name, team code) of each stage; Refused where they are not usable."""
    named = []
    for word in words:
        name, _, code = word.strip().rpartition(":") if ":" in word else (word.strip(), "", "")
        if name.strip():
            named.append((name.strip(), code.strip()))
    if not named:
        refuse("pipeline.stages", "A pipeline has at least one stage.", field="stages")
    if len(named) > MOST_STAGES:
        refuse("pipeline.stages", f"A pipeline has at most {MOST_STAGES} stages.", field="stages")
    if any(len(name) > 80 for name, _ in named):
        refuse("pipeline.stages", "A stage's name has at most 80 characters.", field="stages")
    names = [name for name, _ in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        refuse("pipeline.stages", f"{twice} is named twice.", field="stages")
    return named


@action(
    "stage_event.record",
    creates=StageEvent,
    requires="deployments.record",
    within="stage",
    label="Record stage event",
)
def record_stage_event(
    actor: Actor,
    *,
    stage: Annotated[
        Stage, Field("Stage", rows=lambda actor, _: Stage.objects.filter(retired_at__isnull=True))
    ],
    run: Annotated[
        str, Field("Run", help="What passes through: a build, a version, a ticket.", max_length=120)
    ],
    kind: Annotated[StageEvent.Kind, Field("What happened")],
    at: Annotated[datetime | None, Field("When", help="Empty: now.")] = None,
) -> StageEvent:
    """Record that a run entered, started or finished a stage. The same event again changes nothing."""
    if not run.strip():
        refuse("stage_event.run", "Name what passes through.", field="run")
    moment = at or now()
    if moment > now():
        refuse("stage_event.future", "It has not happened yet.", field="at")
    given = {"stage": stage, "run": run.strip(), "kind": kind, "at": moment}
    return StageEvent.objects.filter(**given).first() or StageEvent.objects.create(**given)


@action(
    "pipeline.import_events",
    on=Pipeline,
    requires="deployments.record",
    label="Import stage events",
)
def import_events(
    actor: Actor,
    pipeline: Pipeline,
    *,
    file: Annotated[Upload, Field("File", help="CSV with the columns stage, run, event and at.")],
) -> ImportRun:
    """Import the stage events of a pipeline: all rows or none. The same file twice changes nothing."""
    started = now()
    errors: list[RowError] = []
    rows = list(read_stage_events(io.BytesIO(file.content), file.name, errors.append))
    if not rows and not errors:
        errors.append(RowError(file.name, None, "", "The file holds no events."))
    stages = {s.name: s for s in pipeline.stages.filter(retired_at__isnull=True)}
    for name in sorted({r.stage for r in rows} - stages.keys()):
        errors.append(RowError(file.name, None, "stage", f"{pipeline} has no stage {name[:80]}."))
    if errors:
        raise Refused(
            *[
                Refusal(
                    "import.row", str(e), "Correct the file; nothing was imported.", field="file", status=422
                )
                for e in errors[:200]
            ]
        )
    wanted = dict.fromkeys(rows)
    known = {
        StageEventRow(*row)
        for row in StageEvent.objects.filter(stage__pipeline=pipeline).values_list(
            "stage__name", "run", "kind", "at"
        )
    }
    fresh = [row for row in wanted if row not in known]
    insert_many([StageEvent(stage=stages[r.stage], run=r.run, kind=r.kind, at=r.at) for r in fresh])
    ledger.append(actor, "stage_event.record_many", pipeline, {"rows": len(wanted), "created": len(fresh)})
    return ImportRun.objects.create(
        kind="stage events",
        source_name=file.name[:200],
        digest="sha256:" + hashlib.sha256(file.content).hexdigest(),
        rows=len(wanted),
        created=len(fresh),
        unchanged=len(wanted) - len(fresh),
        started_at=started,
        finished_at=now(),
    )
