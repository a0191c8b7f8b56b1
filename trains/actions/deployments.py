"""Verbs of deployments: reported by pipelines one by one, finished and rolled back. Batches are in `deployment_batch`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Artifact, Deployment, Environment, Release, Service
from trains.queries.deployments import undoing_now
from trains.queries.freezes import active_freezes
from trains.rules.settling import Report, disagreement, merge
from trains.states import DEPLOYMENT_STATES

from . import artifacts, releases
from .commits import CommitRow
from .commits import record_many as record_commits
from .deployment_batch import BatchResult, DeploymentRow, record_many
from .freeze_lock import hold_off_freezes
from .settling import as_report, settle_rollbacks, take_over

__all__ = [
    "BatchResult",
    "DeploymentRow",
    "finish_deployment",
    "record_deployment",
    "record_many",
    "roll_back_deployment",
]

State = Deployment.State
_BEFORE_APPROVAL = (Release.State.PLANNING, Release.State.SCOPED, Release.State.FROZEN, Release.State.READY)

explain_constraint("deployment_event_once", "Another deployment was reported under this source and id.")


@action(
    "deployment.record",
    creates=Deployment,
    requires="deployments.record",
    within="service",
    label="Record a deployment",
)
def record_deployment(
    actor: Actor,
    *,
    service: Service,
    environment: Environment,
    status: Annotated[
        State, Field("Status", help="running reports the start; the others report how it ended.")
    ],
    version: Annotated[str, Field("Version", max_length=120)] = "",
    commit: Annotated[str, Field("Commit", max_length=64)] = "",
    digest: Annotated[str, Field("Digest", help="sha256:… of what was deployed.", max_length=71)] = "",
    started_at: Annotated[datetime | None, Field("Started")] = None,
    finished_at: Annotated[datetime | None, Field("Finished")] = None,
    release: Release | None = None,
    kind: Deployment.Kind = Deployment.Kind.DEPLOY,
    source: Annotated[str, Field("Source", help="The reporting system.", max_length=80)] = "",
    external_id: Annotated[
        str,
        Field("Its id there", help="Reports with the same source and id are one deployment.", max_length=200),
    ] = "",
    emergency: Annotated[bool, Field("Emergency change")] = False,
    rework: Annotated[
        bool, Field("Rework", help="Unplanned, made necessary by what happened in production.")
    ] = False,
    deployed_by_name: Annotated[str, Field("Deployed by", help="Empty: you.", max_length=200)] = "",
    url: Annotated[str, Field("Link to the run", max_length=500)] = "",
) -> Deployment:
    """Report that a deployment started or ended.

    The same (source, external_id) is the same deployment: reports about it may be repeated and may arrive in any
    order, they settle to the same state. A start inside a freeze, or of a release to production that is not approved,
    is refused; what has already ended is a fact and is recorded.
    """
    # One writer per service: reports about one deployment and the rollbacks around it are settled in turn.
    service = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    release = Release.objects.select_related("train").get(pk=release.pk) if release else None
    report = _report(service, environment, release, status, started_at, finished_at)
    report = _with(
        report, version=version, commit=commit, digest=digest, kind=kind, emergency=emergency, rework=rework
    )
    report = _with(report, deployed_by_name=deployed_by_name or actor.name[:200], url=url)
    known = _known(source, external_id)
    if known is None:
        if status == State.RUNNING and not emergency:
            # A pipeline may have been made before the freeze began: what counts is when it starts, and now.
            for moment in dict.fromkeys((report.started_at, now())):
                refuse_start(service, environment, release, moment)
        deployment = Deployment(
            service=service, environment=environment, source=source, external_id=external_id
        )
        deployment.deployed_by_id = actor.user_id if not deployed_by_name else None
    else:
        deployment, report = known, _merged(known, report)
    deployment.release = release or deployment.release
    if digest and deployment.artifact_id is None:
        deployment.artifact = artifacts.known_artifact(service, digest, version) or Artifact.objects.create(
            service=service, digest=digest, version=version, commit=commit
        )
    if take_over(deployment, report) or known is None:
        deployment.save()
        settle_rollbacks([(service.pk, environment.pk)])
        deployment.refresh_from_db(fields=["state", "rolls_back", "restores", "row_version"])
    _release_begins(actor, deployment)
    return deployment


def report_of(actor: Actor, service: Service, said: dict[str, Any]) -> Report:
    """What the parameters of a report say, completed as `record_deployment` completes it."""
    report = _report(
        service, said["environment"], said["release"], said["status"], said["started_at"], said["finished_at"]
    )
    report = _with(report, **{name: said[name] for name in ("version", "commit", "digest", "kind")})
    return _with(report, deployed_by_name=said["deployed_by_name"] or actor.name[:200], url=said["url"])


def _report(
    service: Service,
    environment: Environment,
    release: Release | None,
    status: str,
    started_at: datetime | None,
    finished_at: datetime | None,
) -> Report:
    """The report with its moments completed: a start without a time is now, an end without one too."""
    if status == State.RUNNING:
        if finished_at:
            refuse("deployment.running", "A running deployment has not finished.", field="finished_at")
        started = started_at or now()
    else:
        finished_at = finished_at or max(now(), started_at or now())
        started = started_at or finished_at
        if finished_at < started:
            refuse("deployment.period", "It finished before it started.", field="finished_at")
    return Report(
        service=service.name,
        environment=environment.name,
        status=str(status),
        started_at=started,
        finished_at=finished_at,
        release=release.key if release else "",
    )


def _with(report: Report, **said: Any) -> Report:
    values: dict[str, Any] = {n: str(v) if isinstance(v, str) else v for n, v in said.items()}
    return replace(report, **values)


def _known(source: str, external_id: str) -> Deployment | None:
    if not external_id:
        return None
    rows = Deployment.objects.select_for_update(of=("self",)).filter(source=source, external_id=external_id)
    return rows.select_related("service", "environment", "artifact", "release").first()


def _merged(known: Deployment, report: Report) -> Report:
    before = as_report(known)
    differs = disagreement(before, report)
    if differs:
        refuse(
            "deployment.disagrees",
            f"{known.source} {known.external_id} was reported with {differs} {getattr(before, differs)},"
            f" not {getattr(report, differs)}.",
            remedy="A further deployment needs an id of its own.",
            blocked_by=Ref.of(known),
        )
    return merge(before, report)


def refuse_start(service: Service, environment: Environment, release: Release | None, at: datetime) -> None:
    """Refuse to start a deployment inside a freeze, or of an unapproved release to production."""
    hold_off_freezes(service.organization_id)
    for freeze in active_freezes(release.train if release else None, environment, service, at):
        refuse(
            "deployment.frozen",
            f"{environment} is frozen until {freeze.ends:%Y-%m-%d %H:%M} UTC: {freeze.name}.",
            remedy="Wait until the freeze ends, or carry it with an approved emergency change.",
            blocked_by=Ref.of(freeze),
            status=423,
        )
    if release is not None and environment.is_production and release.state in _BEFORE_APPROVAL:
        refuse(
            "deployment.unapproved",
            f"{release} is {release.get_state_display().lower()}; it is not approved for production.",
            remedy="Have its change request approved.",
            blocked_by=Ref.of(release),
        )


def _release_begins(actor: Actor, deployment: Deployment) -> None:
    """The first production deployment of an approved release sets it deploying."""
    release = deployment.release
    happened = deployment.outcome in (State.RUNNING, State.SUCCEEDED)
    if (
        release
        and release.state == Release.State.APPROVED
        and deployment.environment.is_production
        and happened
    ):
        system = Actor.system(actor.organization_id, f"first production deployment: {deployment}")
        releases.start_deploying(system, release)


_ENDS = [(s.value, s.label) for s in (State.SUCCEEDED, State.FAILED, State.CANCELLED)]


@action("deployment.finish", on=Deployment, requires="deployments.record", machine=DEPLOYMENT_STATES)
def finish_deployment(
    actor: Actor,
    deployment: Deployment,
    *,
    status: Annotated[str, Field("How it ended", choices=_ENDS)],
    finished_at: Annotated[datetime | None, Field("Finished", help="Empty: now.")] = None,
) -> Deployment:
    """Say how a running deployment ended."""
    if status not in dict(_ENDS):
        refuse(
            "deployment.status",
            f"{status!r} is no end.",
            remedy="Use succeeded, failed or cancelled.",
            field="status",
        )
    Service.objects.select_for_update(no_key=True).get(pk=deployment.service_id)
    finished = finished_at or max(now(), deployment.started_at)
    if finished < deployment.started_at:
        refuse("deployment.period", "It finished before it started.", field="finished_at")
    deployment.outcome = deployment.state = status
    deployment.finished_at = finished
    deployment.save()
    settle_rollbacks([(deployment.service_id, deployment.environment_id)])
    return deployment


@action(
    "deployment.roll_back",
    on=Deployment,
    requires="deployments.rollback",
    machine=DEPLOYMENT_STATES,
    danger=True,
    confirm="This orders a rollback and puts it on record as a deployment of its own.",
)
def roll_back_deployment(
    actor: Actor, deployment: Deployment, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Deployment:
    """Order a rollback to the version that ran before; returns the new deployment, which runs until it is finished."""
    Service.objects.select_for_update(no_key=True).get(pk=deployment.service_id)
    link = undoing_now(deployment.service_id, deployment.environment_id)
    current, earlier, moment = link.undoes, link.restores, link.at
    if current is None or current.pk != deployment.pk:
        refuse(
            "rollback.not_current",
            f"{deployment} is not what runs there now.",
            remedy=f"Roll back {current} first." if current else "",
            blocked_by=Ref.of(current) if current else None,
        )
    if earlier is None:
        refuse(
            "rollback.nothing_before",
            f"No earlier successful deployment of {deployment.service} to {deployment.environment} is on record.",
            remedy="Deploy a version that works.",
        )
    return Deployment.objects.create(
        service=deployment.service,
        environment=deployment.environment,
        release=deployment.release,
        artifact=earlier.artifact,
        version=earlier.version,
        commit=earlier.commit,
        kind=Deployment.Kind.ROLLBACK,
        started_at=moment,
        deployed_by_id=actor.user_id,
        deployed_by_name=actor.name[:200],
        rework=True,
        rolls_back=deployment,
        restores=earlier,
    )


@action("deployment.add_commits", on=Deployment, requires="deployments.record")
def add_commits(
    actor: Actor,
    deployment: Deployment,
    *,
    commits: Annotated[
        list[dict],
        Field(
            "Commits",
            help="Objects with sha, authored_at and optionally opened_at, merged_at, author_name, author_email, title, lines_added, lines_removed.",
        ),
    ],
) -> Deployment:
    """Say which commits a deployment carried; lead time is measured from them."""
    rows = [CommitRow.read(each, service=deployment.service.name, index=i) for i, each in enumerate(commits)]
    record_commits(actor, rows, deployment=deployment)
    return deployment
