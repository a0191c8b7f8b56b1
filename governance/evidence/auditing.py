"""What packages of auditors' samples and of controls are about, and how their records are shown."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.apps import apps

from governance.models import (
    AuditPopulation,
    AuditSample,
    ChangeDeployment,
    ChangeRequest,
    Control,
    ControlAssessment,
    ControlCatalogue,
    ControlMapping,
    Evaluation,
    PopulationGap,
    SampledRow,
    StoredFile,
    Waiver,
)
from governance.queries.coverage import Row, rows_of
from releasetrain.audit.models import LedgerEntry
from releasetrain.tenancy.models import TenantModel, row_id
from trains.models import Deployment, ReleaseArtifact

from .collect import Entry, Ids, Subject, attachments, collector, shown, subject_kind
from .subjects import period_label

Kind = AuditPopulation.Kind


# --- samples -----------------------------------------------------------------------------------------------------


@subject_kind("sample", "Audit sample", AuditSample)
def of_sample(sample: AuditSample) -> Subject:
    """The sample with everything that stands behind the rows drawn."""
    ids = _ids(sample.rows.values_list("subject_id", flat=True))
    kind = sample.population.kind
    waivers = Waiver.objects.filter(pk__in=ids if kind == Kind.WAIVERS else ())
    deployments = ids if kind == Kind.DEPLOYMENTS else Ids()
    changes = ids if kind == Kind.CHANGES else Ids()
    releases = ids if kind == Kind.RELEASES else Ids()
    releases |= _ids(
        Deployment.objects.filter(pk__in=deployments, release__isnull=False).values_list(
            "release_id", flat=True
        )
    )
    releases |= _ids(
        ChangeRequest.objects.filter(pk__in=changes, release__isnull=False).values_list(
            "release_id", flat=True
        )
    )
    releases |= _ids(waivers.filter(release__isnull=False).values_list("release_id", flat=True))
    changes |= _ids(
        ChangeDeployment.objects.filter(deployment__in=deployments, change__isnull=False).values_list(
            "change_id", flat=True
        )
    )
    if kind == Kind.RELEASES:
        changes |= _ids(ChangeRequest.objects.filter(release__in=releases).values_list("pk", flat=True))
        deployments |= _ids(Deployment.objects.filter(release__in=releases).values_list("pk", flat=True))
    if kind == Kind.CHANGES:
        deployments |= _ids(
            ChangeDeployment.objects.filter(change__in=changes).values_list("deployment_id", flat=True)
        )
    return Subject(
        kind="sample",
        title="Audit sample",
        label=str(sample),
        object=sample,
        starts=sample.population.starts,
        ends=sample.population.ends,
        releases=releases,
        changes=changes,
        deployments=deployments,
        artifacts=_artifacts(releases, deployments)
        | _ids(waivers.filter(artifact__isnull=False).values_list("artifact_id", flat=True)),
    )


@collector("governance.samples", for_kinds=("sample",))
def samples(subject: Subject) -> Iterator[Entry]:
    """The population with every gap and its explanation, and the sample with every conclusion."""
    sample = subject.object
    assert isinstance(sample, AuditSample)
    yield from subject.records(AuditPopulation.objects.filter(pk=sample.population_id))
    yield from subject.records(PopulationGap.objects.filter(population=sample.population_id))
    yield from subject.records(AuditSample.objects.filter(pk=sample.pk))
    yield from subject.records(SampledRow.objects.filter(sample=sample).select_related("sample__population"))


@attachments(for_kinds=("sample",))
def population_file(subject: Subject) -> Iterator[StoredFile]:
    """The frozen rows, byte for byte."""
    sample = subject.object
    assert isinstance(sample, AuditSample)
    if sample.population.file is not None:
        yield sample.population.file


# --- controls ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moments:
    """[first, last) to the second; what has no bounds holds everything."""

    first: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    last: datetime = datetime(9999, 1, 1, tzinfo=UTC)

    @classmethod
    def of(cls, starts: datetime | None, ends: datetime | None) -> Moments:
        return cls(starts, ends) if starts and ends else cls()


def rows_behind(
    control: Control, starts: datetime | None, ends: datetime | None
) -> list[tuple[ControlMapping, list[Row]]]:
    """All that each thing the control rests on did in the period."""
    mappings = ControlMapping.objects.filter(control=control, retired_at__isnull=True)
    period: Any = Moments.of(starts, ends)
    return [
        (mapping, rows_of(mapping, period))
        for mapping in mappings.order_by("kind", "target").select_related("control")
    ]


@subject_kind("control", "Control", Control, within_periods=True)
def of_control(control: Control, starts: datetime | None, ends: datetime | None) -> Subject:
    """The control with everything in the period that it rests on here: verdicts, recorded acts, activities."""
    touched = _touched(rows_behind(control, starts, ends))
    evaluations = Evaluation.objects.filter(pk__in=touched.get("evaluation", Ids()))
    releases = touched.get("release", Ids()) | _ids(
        evaluations.filter(release__isnull=False).values_list("release_id", flat=True)
    )
    artifacts = _ids(evaluations.filter(artifact__isnull=False).values_list("artifact_id", flat=True))
    changes = touched.get("changerequest", Ids()) | _ids(
        ChangeRequest.objects.filter(release__in=releases).values_list("pk", flat=True)
    )
    deployments = touched.get("deployment", Ids()) | _ids(
        _within(Deployment.objects.filter(release__in=releases), "started_at", starts, ends).values_list(
            "pk", flat=True
        )
    )
    label = str(control) if starts is None or ends is None else f"{control}, {period_label(starts, ends)}"
    return Subject(
        kind="control",
        title="Control",
        label=label,
        object=control,
        starts=starts,
        ends=ends,
        releases=releases,
        changes=changes,
        deployments=deployments,
        artifacts=artifacts | _artifacts(releases, deployments),
    )


def _touched(behind: list[tuple[ControlMapping, list[Row]]]) -> dict[str, Ids]:
    """What all of it was about, by kind: of recorded acts what they were done to."""
    found: dict[str, set[uuid.UUID]] = {}
    for _, rows in behind:
        for row in rows:
            of_entry = isinstance(row.object, LedgerEntry)
            kind, ident = (row.object.subject_kind, row.object.subject_id) if of_entry else (row.kind, row.id)
            known = row_id(ident)
            if known is not None:
                found.setdefault(kind, set()).add(known)
    return {kind: Ids(ids) for kind, ids in found.items()}


@collector("governance.controls", for_kinds=("control",))
def controls(subject: Subject) -> Iterator[Entry]:
    """The control as imported, what it rests on and why, its assessments, and every row behind it."""
    control = subject.object
    assert isinstance(control, Control)
    yield from subject.records(Control.objects.filter(pk=control.pk))
    yield from subject.records(ControlCatalogue.objects.filter(pk=control.catalogue_id))
    yield from subject.records(ControlMapping.objects.filter(control=control))
    yield from subject.records(assessments_of(control, subject.starts, subject.ends))
    for kind, ids in sorted(_touched(rows_behind(control, subject.starts, subject.ends)).items()):
        model = next((m for m in apps.get_models() if m._meta.model_name == kind), None)
        if model is not None and issubclass(model, TenantModel):
            yield from subject.records(model.objects.filter(pk__in=ids))


def assessments_of(control: Control, starts: datetime | None, ends: datetime | None) -> Any:
    """What people concluded about the control in the period."""
    found = ControlAssessment.objects.filter(control=control)
    return found.filter(starts__lt=ends.date(), ends__gt=starts.date()) if starts and ends else found


def _within(rows: Any, name: str, starts: datetime | None, ends: datetime | None) -> Any:
    if starts is not None:
        rows = rows.filter(**{f"{name}__gte": starts})
    return rows.filter(**{f"{name}__lt": ends}) if ends is not None else rows


def _artifacts(releases: Ids, deployments: Ids) -> Ids:
    attached = ReleaseArtifact.objects.filter(release__in=releases).values_list("artifact_id", flat=True)
    deployed = Deployment.objects.filter(pk__in=deployments, artifact__isnull=False)
    return _ids(attached) | _ids(deployed.values_list("artifact_id", flat=True))


def _ids(rows: Any) -> Ids:
    return frozenset(rows)


# --- how people see them -----------------------------------------------------------------------------------------


def _gap(data: dict[str, Any]) -> str:
    if data["explanation"]:
        return f"{data['label']}: {data['sentence']} Explained: {data['explanation']}"
    return "" if data["resolved_at"] else f"{data['label']}: {data['sentence']} Nobody has explained it."


def _row(data: dict[str, Any]) -> str:
    return f"{data['label']}: {data['note']}" if data["conclusion"] == "exception" else ""


def _assessment(data: dict[str, Any]) -> str:
    return f"{data['key']}: {data['statement']}" if data["conclusion"] == "exception" else ""


shown(
    "auditpopulation",
    "Population",
    order=10,
    columns=(
        ("Population", "key"),
        ("Of", "kind"),
        ("From", "starts"),
        ("Until", "ends"),
        ("Rows", "row_count"),
        ("SHA-256", "row_digest"),
    ),
)
shown(
    "populationgap",
    "Completeness: what does not match",
    order=12,
    columns=(
        ("Row", "label"),
        ("Gap", "kind"),
        ("Why", "sentence"),
        ("Explanation", "explanation"),
        ("By", "explained_by"),
    ),
    attention=_gap,
)
shown(
    "auditsample",
    "Sample",
    order=14,
    columns=(
        ("Sample", "key"),
        ("Seed", "seed"),
        ("Size", "size"),
        ("Method", "method"),
        ("Conclusion", "conclusion"),
        ("Summary", "summary"),
    ),
)
shown(
    "sampledrow",
    "Rows drawn",
    order=16,
    columns=(
        ("No.", "position"),
        ("Row", "label"),
        ("Stratum", "stratum"),
        ("Conclusion", "conclusion"),
        ("Note", "note"),
        ("By", "concluded_by"),
    ),
    attention=_row,
)
shown(
    "control",
    "Control",
    order=20,
    columns=(("Control", "code"), ("Title", "title"), ("Catalogue", "catalogue"), ("Applies", "applicable")),
)
shown(
    "controlmapping",
    "What it rests on",
    order=22,
    columns=(("Kind", "kind"), ("Target", "target"), ("Why", "rationale"), ("Retired", "retired_at")),
)
shown(
    "controlassessment",
    "Assessments",
    order=24,
    columns=(
        ("Assessment", "key"),
        ("From", "starts"),
        ("Until", "ends"),
        ("Conclusion", "conclusion"),
        ("Statement", "statement"),
        ("By", "concluded_by"),
    ),
    attention=_assessment,
)
shown(
    "document",
    "Documents",
    order=340,
    columns=(
        ("Document", "key"),
        ("Title", "title"),
        ("Kind", "kind"),
        ("Service", "service"),
        ("Release", "release"),
    ),
)
shown(
    "documentversion",
    "Versions of documents",
    order=342,
    columns=(
        ("Document", "document"),
        ("Version", "number"),
        ("State", "state"),
        ("Author", "author"),
        ("Approved by", "decided_by"),
    ),
)
