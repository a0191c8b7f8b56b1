"""Verbs by which runtimes say what they run, and pipelines how they ran."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import refuse
from trains.models import Artifact, Environment, PipelineRun, RuntimeObservation, Service
from trains.models.artifact import DIGEST
from trains.rules.pipeline_files import stages_of

from .artifacts import register_artifact

# Runtimes look every minute; while they see the same, one row an hour is kept.
QUIET = timedelta(hours=1)
AHEAD = timedelta(minutes=5)
MOST = 2_000

Source = Annotated[str, Field("Runtime", help="The system that saw it, e.g. a cluster.", max_length=80)]


@action(
    "runtime_observation.record",
    creates=RuntimeObservation,
    requires="deployments.record",
    within="service",
    label="Record what runs",
)
def record_observation(
    actor: Actor,
    *,
    service: Service,
    environment: Environment,
    digest: Annotated[str, Field("Digest", help="sha256: of what runs.", max_length=71)] = "",
    version: Annotated[str, Field("Version", max_length=120)] = "",
    instances: Annotated[int | None, Field("Instances", min=0, max=1_000_000)] = None,
    started_at: Annotated[datetime | None, Field("Running since")] = None,
    observed_at: Annotated[datetime | None, Field("Seen", help="Empty: now.")] = None,
    source: Source = "",
) -> RuntimeObservation:
    """Say what a runtime runs of a service. The same again within an hour changes nothing."""
    said = {"digest": digest, "version": version, "instances": instances, "started_at": started_at}
    moment = _checked(said, observed_at)
    # One at a time per service, so that two reporters of the same sight keep one row.
    Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    return _kept(service, environment, source.strip(), moment, said)[0]


@action(
    "runtime_observation.record_all",
    creates=RuntimeObservation,
    requires="deployments.record",
    label="Record everything that runs",
)
def record_observations(
    actor: Actor,
    *,
    environment: Environment,
    running: Annotated[
        list,
        Field(
            "What runs",
            help='A list of {"service", "digest", "version", "instances", "started_at"}; services by name.',
        ),
    ],
    observed_at: Annotated[datetime | None, Field("Seen", help="Empty: now.")] = None,
    source: Source = "",
) -> dict[str, int]:
    """Say everything that a runtime runs in an environment: all rows or none."""
    if not running or len(running) > MOST:
        refuse("observation.rows", f"Give between 1 and {MOST} observations.", field="running")
    rows = [_row(number, row) for number, row in enumerate(running, 1)]
    names = {row["service"] for row in rows}
    services = {s.name: s for s in Service.objects.filter(name__in=names)}
    for number, row in enumerate(rows, 1):
        service = services.get(row["service"])
        if service is None:
            refuse(
                "observation.service",
                f"Row {number}: there is no service {row['service'][:80]}.",
                field="running",
            )
        if not actor.may("deployments.record", service):
            refuse(
                "permission.missing", f"You need the permission deployments.record on {service}.", status=403
            )
    list(Service.objects.filter(name__in=names).order_by("pk").select_for_update(no_key=True))
    fresh = 0
    for number, row in enumerate(rows, 1):
        moment = _checked(row, observed_at, f"Row {number}: ", "running")
        fresh += _kept(services[row["service"]], environment, source.strip(), moment, row)[1]
    return {"observed": len(rows), "recorded": fresh, "unchanged": len(rows) - fresh}


def _row(number: int, row: Any) -> dict[str, Any]:
    """One row of a batch with its values in their types."""
    if not isinstance(row, dict):
        refuse("observation.row", f"Row {number} is no object.", field="running")
    unknown = sorted(set(row) - {"service", "digest", "version", "instances", "started_at"})
    if unknown:
        refuse("observation.row", f"Row {number}: there is no field {str(unknown[0])[:40]}.", field="running")
    texts = {name: row.get(name) or "" for name in ("service", "digest", "version")}
    if any(not isinstance(value, str) or "\x00" in value or len(value) > 120 for value in texts.values()):
        refuse(
            "observation.row", f"Row {number}: service, digest and version are short texts.", field="running"
        )
    instances = row.get("instances")
    if instances is not None and (type(instances) is not int or not 0 <= instances <= 1_000_000):
        refuse("observation.row", f"Row {number}: instances is a whole number.", field="running")
    started = row.get("started_at")
    try:
        moment = datetime.fromisoformat(started) if started else None
    except (TypeError, ValueError):
        moment = None
    if started and (moment is None or moment.tzinfo is None):
        refuse("observation.row", f"Row {number}: started_at is no moment with a time zone.", field="running")
    return {**texts, "instances": instances, "started_at": moment}


def _checked(
    said: dict[str, Any], observed_at: datetime | None, where: str = "", field: str = ""
) -> datetime:
    """The moment of the sight; refuses what cannot have been seen."""
    moment = observed_at or now()
    if moment > now() + AHEAD:
        refuse("observation.future", f"{where}It lies in the future.", field=field or "observed_at")
    if said["digest"] and not re.fullmatch(DIGEST, said["digest"]):
        refuse(
            "artifact.digest",
            f"{where}A digest is sha256: and 64 hexadecimal digits.",
            field=field or "digest",
        )
    if not said["digest"] and not said["version"]:
        refuse(
            "observation.empty", f"{where}Say the digest or the version that runs.", field=field or "digest"
        )
    if said["started_at"] and said["started_at"] > moment:
        refuse(
            "observation.started", f"{where}It was seen before it began to run.", field=field or "started_at"
        )
    return moment


def _kept(
    service: Service, environment: Environment, source: str, moment: datetime, said: dict[str, Any]
) -> tuple[RuntimeObservation, bool]:
    """The row that says this, and whether it is new."""
    what = {name: said[name] for name in ("digest", "version", "instances", "started_at")}
    before = (
        RuntimeObservation.objects.filter(
            service=service, environment=environment, source=source, observed_at__lte=moment
        )
        .order_by("-observed_at", "-id")
        .first()
    )
    if (
        before
        and moment - before.observed_at < QUIET
        and all(getattr(before, n) == v for n, v in what.items())
    ):
        return before, False
    given = {"service": service, "environment": environment, "source": source, "observed_at": moment}
    same = {"digest": said["digest"], "version": said["version"]}
    return RuntimeObservation.objects.get_or_create(**given, **same, defaults=what)


@action(
    "pipeline_run.record",
    creates=PipelineRun,
    requires="results.post",
    within="service",
    label="Record a pipeline run",
    quiet=("definition_file",),
)
def record_pipeline_run(
    actor: Actor,
    *,
    service: Service,
    source: Annotated[str, Field("System", help="e.g. the address of the build system.", max_length=80)],
    external_id: Annotated[str, Field("Its run", help="That system's own id of the run.", max_length=200)],
    definition_digest: Annotated[
        str,
        Field(
            "Digest of the definition", help="sha256: of the pipeline's definition, as it ran.", max_length=71
        ),
    ],
    commit: Annotated[str, Field("Commit", max_length=64)],
    builder: Annotated[str, Field("Builder", help="Who or what ran it.", max_length=200)],
    digest: Annotated[str, Field("Artifact digest", help="Of what it made.", max_length=71)] = "",
    version: Annotated[str, Field("Version", max_length=120)] = "",
    definition: Annotated[str, Field("Definition", help="Where it lies.", max_length=500)] = "",
    outcome: Annotated[str, Field("Outcome", max_length=40)] = "",
    started_at: Annotated[datetime | None, Field("Started")] = None,
    finished_at: Annotated[datetime | None, Field("Finished")] = None,
    url: Annotated[str, Field("Link to the run", max_length=500)] = "",
    stages: Annotated[
        list[str] | None, Field("Stages", help="Of the definition, in its order, where the file is not sent.")
    ] = None,
    definition_file: Annotated[
        Upload | None,
        Field("The definition", help="Its stages are read from it; the file itself is not kept."),
    ] = None,
) -> PipelineRun:
    """Record which definition, commit and builder a run had. The same run again changes nothing; another account of it is refused."""
    for name, value in (
        ("source", source),
        ("external_id", external_id),
        ("commit", commit),
        ("builder", builder),
    ):
        if not value.strip():
            refuse(
                "pipeline_run.missing",
                "A run names its system, its id, its commit and its builder.",
                field=name,
            )
    if not re.fullmatch(DIGEST, definition_digest):
        refuse("artifact.digest", "A digest is sha256: and 64 hexadecimal digits.", field="definition_digest")
    found = _stages(stages, definition_file, definition_digest)
    if url and not url.startswith(("https://", "http://")):
        refuse("pipeline_run.url", "The address of the run begins with https://.", field="url")
    if started_at and finished_at and finished_at < started_at:
        refuse("pipeline_run.period", "It finished before it started.", field="finished_at")
    Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    known = PipelineRun.objects.filter(source=source.strip(), external_id=external_id.strip()).first()
    said = {
        "service_id": service.pk,
        "definition_digest": definition_digest,
        "commit": commit.strip(),
        "builder": builder.strip(),
    }
    if known:
        differs = next((name for name, value in said.items() if getattr(known, name) != value), "")
        other = digest and (known.artifact is None or known.artifact.digest != digest)
        if differs or other:
            name = differs.removesuffix("_id") or "digest"
            refuse(
                "pipeline_run.disagrees",
                f"{known} was recorded with another {name.replace('_', ' ')}.",
                remedy="A run never changes: record a further run under its own id.",
                blocked_by=Ref.of(known),
                field=name,
                status=409,
            )
        return known
    artifact: Artifact | None = None
    if digest:
        artifact = register_artifact(
            actor,
            service=service,
            digest=digest,
            version=version,
            commit=commit.strip(),
            builder=builder.strip(),
            built_at=finished_at,
        )
    return PipelineRun.objects.create(
        service=service,
        artifact=artifact,
        source=source.strip(),
        external_id=external_id.strip(),
        definition=definition.strip(),
        definition_digest=definition_digest,
        stages=found,
        commit=commit.strip(),
        builder=builder.strip(),
        outcome=outcome.strip(),
        started_at=started_at,
        finished_at=finished_at,
        url=url,
    )


def _stages(named: list[str] | None, file: Upload | None, digest: str) -> list[str]:
    """The stages of a definition: read from its file where that is sent, else as they are named."""
    found = named or []
    if file is not None:
        if "sha256:" + hashlib.sha256(file.content).hexdigest() != digest:
            refuse(
                "pipeline_run.definition",
                "The file that was sent has another digest than the one that is named.",
                remedy="Send the file as it ran.",
                field="definition_file",
            )
        read = stages_of(file.content.decode("utf-8", "replace"))
        if read is None:
            refuse(
                "pipeline_run.definition",
                "The file is no workflow of GitHub, no pipeline of GitLab and no Jenkinsfile that can be read.",
                remedy="Leave the file out and name the stages.",
                field="definition_file",
            )
        found = read
    if len(found) > 200 or any(not name.strip() or len(name) > 120 or "\0" in name for name in found):
        refuse(
            "pipeline_run.stages",
            "At most 200 stages, each with a name of at most 120 characters.",
            field="definition_file" if file is not None else "stages",
        )
    return [name.strip() for name in found]
