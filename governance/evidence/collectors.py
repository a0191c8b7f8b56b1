"""Records of trains and of governance for evidence packages."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q

from governance import files
from governance.models import (
    AgendaItem,
    ApprovalPolicy,
    Attachment,
    Board,
    BoardMember,
    ChangeContributor,
    ChangeDeployment,
    ChangeModel,
    ChangeRequest,
    ChangeSignature,
    Condition,
    Document,
    DocumentVersion,
    Evaluation,
    Finding,
    FindingOccurrence,
    Gate,
    GateVersion,
    Meeting,
    MeetingAction,
    PolicyDecision,
    Recusal,
    Result,
    StoredFile,
    Vote,
    Waiver,
)
from releasetrain.kernel.canonical import digest
from trains.models import (
    Artifact,
    Commit,
    Deployment,
    DeploymentCommit,
    Environment,
    Freeze,
    PipelineRun,
    ProgramIncrement,
    Release,
    ReleaseArtifact,
    RuntimeObservation,
    ScopeItem,
    Service,
    Train,
    TrainDependency,
)
from trains.queries.releases import release_content

from .collect import Entry, Subject, attachments, collector
from .packing import path_of_file, path_of_tombstone

# --- trains --------------------------------------------------------------------------------------------------


@collector("trains.releases")
def releases(subject: Subject) -> Iterator[Entry]:
    """The releases, each with the content its approvals are bound to; what they contain, and what they depend on."""
    chosen = Release.objects.filter(pk__in=subject.releases)
    yield from subject.records(chosen, _content)
    yield from subject.records(ScopeItem.objects.filter(release__in=chosen))
    yield from subject.records(ReleaseArtifact.objects.filter(release__in=chosen))
    yield from subject.records(TrainDependency.objects.filter(release__in=chosen))
    yield from subject.records(ProgramIncrement.objects.filter(releases__in=chosen).distinct())


@collector("trains.builds")
def builds(subject: Subject) -> Iterator[Entry]:
    """Artifacts by digest, and the services they are of."""
    yield from subject.records(Artifact.objects.filter(pk__in=subject.artifacts))
    yield from subject.records(Service.objects.filter(pk__in=_services(subject)))


@collector("trains.deployments")
def deployments(subject: Subject) -> Iterator[Entry]:
    """Every deployment with the commits it carried, and where it went."""
    chosen = Deployment.objects.filter(pk__in=subject.deployments)
    carried = _Commits(subject.deployments)
    yield from subject.records(chosen, carried.of)
    yield from subject.records(
        Commit.objects.filter(pk__in=DeploymentCommit.objects.filter(deployment__in=chosen).values("commit"))
    )
    places = (
        Q(pk__in=chosen.values("environment"))
        | Q(changes__in=subject.changes)
        | Q(evaluations__in=_evaluations(subject))
    )
    yield from subject.records(
        Environment.objects.filter(pk__in=Environment.objects.filter(places).values("pk"))
    )


@collector("trains.trains")
def trains(subject: Subject) -> Iterator[Entry]:
    """The trains of the releases and services, and the freezes that met one of the deployments."""
    of_services = Service.objects.filter(pk__in=_services(subject)).values("train")
    chosen = Train.objects.filter(Q(releases__in=subject.releases) | Q(pk__in=of_services)).distinct()
    yield from subject.records(Train.objects.filter(pk__in=chosen.values("pk")))
    moments = list(Deployment.objects.filter(pk__in=subject.deployments).values_list("started_at", flat=True))
    if moments:
        met = Freeze.objects.filter(starts__lte=max(moments), ends__gt=min(moments))
        ours = Q(train__isnull=True) | Q(train__in=chosen)
        for_services = Q(service__isnull=True) | Q(service__in=_services(subject))
        yield from subject.records(met.filter(ours, for_services))


def _content(release: Release) -> dict[str, Any]:
    content = release_content(release)
    return {"content": content, "content_digest": digest(content)}


class _Commits:
    """Which commits each deployment carried, read once."""

    def __init__(self, deployments: Iterable[uuid.UUID]) -> None:
        self._of: dict[uuid.UUID, list[str]] = {}
        rows = DeploymentCommit.objects.filter(deployment__in=list(deployments)).order_by(
            "commit__authored_at", "commit__sha"
        )
        for deployment_id, sha in rows.values_list("deployment_id", "commit__sha"):
            self._of.setdefault(deployment_id, []).append(sha)

    def of(self, deployment: Deployment) -> dict[str, Any]:
        return {"commits": self._of.get(deployment.pk, [])}


def _services(subject: Subject) -> set[uuid.UUID]:
    built = Artifact.objects.filter(pk__in=subject.artifacts).values_list("service_id", flat=True)
    deployed = Deployment.objects.filter(pk__in=subject.deployments).values_list("service_id", flat=True)
    changed = ChangeRequest.objects.filter(pk__in=subject.changes, service__isnull=False).values_list(
        "service_id", flat=True
    )
    return {*built, *deployed, *changed}


# --- gates, results, findings, waivers ---------------------------------------------------------------------------


@collector("governance.gates")
def gates(subject: Subject) -> Iterator[Entry]:
    """Every evaluation with its inputs' digest and each check's reason, and the gate versions that were asked."""
    asked = _evaluations(subject)
    waived = _waivers(subject)
    yield from subject.records(asked)
    yield from subject.records(waived)
    used = Gate.objects.filter(Q(evaluations__in=asked) | Q(waivers__in=waived))
    yield from subject.records(Gate.objects.filter(pk__in=used.values("pk")))
    yield from subject.records(GateVersion.objects.filter(pk__in=asked.values("gate_version")))


@collector("governance.results")
def results(subject: Subject) -> Iterator[Entry]:
    """Reports about the builds with what was read from them; the reports themselves are packed beside."""
    yield from subject.records(_results(subject).select_related("artifact__service"), _report)


@collector("governance.findings")
def findings(subject: Subject) -> Iterator[Entry]:
    """The weaknesses that scans of these builds reported, and what was decided about them."""
    reported = FindingOccurrence.objects.filter(result__in=_results(subject))
    scans = _Scans(reported)
    yield from subject.records(Finding.objects.filter(pk__in=reported.values("finding")), scans.of)


@attachments()
def reports(subject: Subject) -> Iterator[StoredFile]:
    """The reports as they were received."""
    yield from (
        StoredFile.objects.filter(pk__in=_results(subject).values("file")).order_by("digest").iterator()
    )


def _report(result: Result) -> dict[str, Any]:
    tombstone = None if files.there(result.file) else files.tombstone_of(result.file)
    if tombstone:
        return {"packed_as": path_of_tombstone(result.file), "disposed": tombstone.sentence}
    return {"packed_as": path_of_file(result.file)}


class _Scans:
    """Which results reported each finding, and whether the report itself excused it."""

    def __init__(self, occurrences: Any) -> None:
        self._of: dict[uuid.UUID, list[dict[str, str]]] = {}
        rows = occurrences.order_by("result_id", "pk").values_list("finding_id", "result_id", "exempt")
        for finding_id, result_id, exempt in rows.iterator(2_000):
            self._of.setdefault(finding_id, []).append({"result": str(result_id), "exempt": exempt})

    def of(self, finding: Finding) -> dict[str, Any]:
        return {"reported_in": self._of.get(finding.pk, [])}


def _evaluations(subject: Subject) -> Any:
    about = Q(release__in=subject.releases) | Q(artifact__in=subject.artifacts)
    return Evaluation.objects.filter(about, state__in=[Evaluation.State.DONE, Evaluation.State.DEAD])


def _waivers(subject: Subject) -> Any:
    return Waiver.objects.filter(Q(release__in=subject.releases) | Q(artifact__in=subject.artifacts))


def _results(subject: Subject) -> Any:
    return Result.objects.filter(artifact__in=subject.artifacts)


# --- documents and what runtimes and pipelines reported -----------------------------------------------------------


@collector("governance.documents")
def documents(subject: Subject) -> Iterator[Entry]:
    """Documents of the releases and their services, with every version and who approved it."""
    chosen = _documents(subject)
    yield from subject.records(chosen.select_related("kind", "service", "release"))
    yield from subject.records(DocumentVersion.objects.filter(document__in=chosen))


@attachments()
def document_files(subject: Subject) -> Iterator[StoredFile]:
    """The documents themselves, as they were uploaded."""
    versions = DocumentVersion.objects.filter(document__in=_documents(subject), file__isnull=False)
    yield from StoredFile.objects.filter(pk__in=versions.values("file")).order_by("digest").iterator()


def _documents(subject: Subject) -> Any:
    return Document.objects.filter(Q(release__in=subject.releases) | Q(service__in=_services(subject)))


@collector("governance.attachments")
def attached(subject: Subject) -> Iterator[Entry]:
    """Documents that were attached to the releases, their changes, services and deployments."""
    yield from subject.records(_attached(subject))


@attachments()
def attached_files(subject: Subject) -> Iterator[StoredFile]:
    """The attached documents themselves."""
    rows = _attached(subject).filter(withdrawn_at__isnull=True)
    yield from StoredFile.objects.filter(pk__in=rows.values("file")).order_by("digest").iterator()


def _attached(subject: Subject) -> Any:
    deployments = Deployment.objects.filter(release__in=subject.releases).values("pk")
    return Attachment.objects.filter(
        Q(object_kind="release", object_id__in=subject.releases)
        | Q(object_kind="changerequest", object_id__in=subject.changes)
        | Q(object_kind="service", object_id__in=_services(subject))
        | Q(object_kind="deployment", object_id__in=deployments)
    )


@collector("trains.runtime")
def runtime(subject: Subject) -> Iterator[Entry]:
    """Which runs of pipelines made the builds, and what runtimes were seen to run of them."""
    yield from subject.records(PipelineRun.objects.filter(artifact__in=subject.artifacts))
    digests = Artifact.objects.filter(pk__in=subject.artifacts).values("digest")
    yield from subject.records(RuntimeObservation.objects.filter(digest__in=digests))


# --- changes ---------------------------------------------------------------------------------------------------


@collector("governance.changes")
def changes(subject: Subject) -> Iterator[Entry]:
    """Change requests with everybody who had a hand in them, who decided and by which rule, agendas, and who sits on the board."""
    chosen = ChangeRequest.objects.filter(pk__in=subject.changes)
    yield from subject.records(chosen.select_related("release__train", "service"))
    for model in (ChangeContributor, Vote, Condition, Recusal, ChangeSignature, MeetingAction):
        yield from subject.records(model.objects.filter(change__in=chosen))
    decided = PolicyDecision.objects.filter(change__in=chosen)
    yield from subject.records(decided.select_related("change"))
    yield from subject.records(ApprovalPolicy.objects.filter(pk__in=decided.values("policy")))
    yield from subject.records(ChangeModel.objects.filter(pk__in=chosen.values("model")))
    agenda = AgendaItem.objects.filter(change__in=chosen)
    yield from subject.records(agenda.select_related("meeting__board"))
    yield from subject.records(Meeting.objects.filter(pk__in=agenda.values("meeting")))
    boards = Board.objects.filter(pk__in=chosen.values("board"))
    yield from subject.records(boards)
    yield from subject.records(BoardMember.objects.filter(board__in=boards))


@collector("governance.authorisations")
def authorisations(subject: Subject) -> Iterator[Entry]:
    """Whether each deployment stood under an approved change."""
    rows = ChangeDeployment.objects.filter(deployment__in=subject.deployments)
    yield from subject.records(rows.select_related("deployment__service", "deployment__environment"))
