"""Which stored files are past their retention, which a hold keeps, and which something else still needs."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from governance.files import there
from governance.models import (
    Disposal,
    DocumentVersion,
    EvidencePackage,
    LegalHold,
    RecordType,
    Result,
    RetentionPolicy,
    StoredFile,
)
from governance.ports import kept_until
from governance.rules.retention import Hold, Record, Rule, due, holds_on
from releasetrain.kernel.clock import now
from trains.models import ReleaseArtifact, Service

BATCH = 500
# What may refer to a stored file and yet not keep it: its records here, its downloads, and its tombstones.
_DISPOSABLE = {
    Result: RecordType.REPORT,
    EvidencePackage: RecordType.PACKAGE,
    DocumentVersion: RecordType.DOCUMENT,
}
_NO_KEEPERS = {"PackageDownload", "DisposedFile"}


@dataclass
class Candidate:
    """A stored file with what refers to it; `kept` says why it does not go, if it does not."""

    file: StoredFile
    label: str = ""
    due: datetime | None = None
    policy: str = ""
    received: datetime | None = None
    kept: list[str] = field(default_factory=list)

    @property
    def as_item(self) -> dict[str, Any]:
        return {
            "file": str(self.file.pk),
            "digest": self.file.digest,
            "size": self.file.size,
            "label": self.label[:300],
            "received": self.received.isoformat() if self.received else None,
            "due": self.due.isoformat() if self.due else None,
            "policy": self.policy,
        }


def rules_of(record_type: str) -> list[Rule]:
    """The policies of a type of record."""
    policies = RetentionPolicy.objects.filter(record_type=record_type, retired_at__isnull=True)
    return [
        Rule(str(p), p.clock, p.keep_days, p.regulated_only, p.framework, p.jurisdiction) for p in policies
    ]


def standing_holds() -> list[Hold]:
    """All holds that nobody has lifted."""
    return [
        Hold(h.key, h.record_type, h.train_id, h.service_id, h.release_id, h.starts, h.ends)
        for h in LegalHold.objects.filter(lifted_at__isnull=True)
    ]


def past_retention(record_type: str, most: int = BATCH) -> list[Candidate]:
    """Files of a type that may go now, oldest first, and that no open disposal names already."""
    rules = rules_of(record_type)
    if not rules:
        return []
    # Whatever else binds a record, those for everybody do: nothing younger than the longest of them can go.
    for_all = [r.days for r in rules if not (r.regulated_only or r.framework or r.jurisdiction)]
    soonest = now() - timedelta(days=max(for_all) if for_all else min(r.days for r in rules))
    named = _named_in_open_disposals()
    found: list[Candidate] = []
    for files in _batches(record_type, soonest):
        judged = judge(record_type, [f for f in files if f.pk not in named and there(f)])
        found += [each for each in judged if not each.kept]
        if len(found) >= most:
            break
    return found[:most]


def judge(record_type: str, files: Iterable[StoredFile]) -> list[Candidate]:
    """Each file with when it may go, and why it may not go now. In doubt it stays."""
    listed = {f.pk: f for f in files}
    rules, holds, moment = rules_of(record_type), standing_holds(), now()
    records: dict[uuid.UUID, list[tuple[str, str, Record]]] = defaultdict(list)
    for kind, rows in (
        (RecordType.REPORT, _reports(listed)),
        (RecordType.PACKAGE, _packages(listed)),
        (RecordType.DOCUMENT, _documents(listed)),
    ):
        for file_id, label, record in rows:
            records[file_id].append((kind, label, record))
    strangers = _referred_by_others(listed)
    return [
        _judged(listed[pk], record_type, records[pk], strangers.get(pk), rules, holds, moment)
        for pk in listed
    ]


def _judged(
    file: StoredFile,
    record_type: str,
    records: list[tuple[str, str, Record]],
    stranger: str | None,
    rules: list[Rule],
    holds: list[Hold],
    moment: datetime,
) -> Candidate:
    one = Candidate(file, file.name)
    if stranger:
        one.kept.append(f"{stranger} refers to it")
    for kind, label, record in records:
        one.label = label
        one.received = min(filter(None, (one.received, record.received)))
        own = rules if kind == record_type else rules_of(kind)
        when = due(record, own)
        if when is None:
            one.kept.append(f"no policy lets {label} go yet")
        elif when[0] > moment:
            one.kept.append(f"{when[1]} keeps {label} until {when[0]:%Y-%m-%d}")
        elif one.due is None or when[0] > one.due:
            one.due, one.policy = when
        one.kept += [f"{hold} holds {label}" for hold in holds_on(record, holds)]
        one.kept += [
            f"{why} until {at:%Y-%m-%d}"
            for at, why in kept_until(record.releases or frozenset())
            if at > moment
        ]
    if not records:
        one.kept.append("nothing says what it is a record of")
    return one


def _batches(record_type: str, received_before: datetime) -> Iterator[list[StoredFile]]:
    model, moment = {
        RecordType.REPORT: (Result, "reported_at"),
        RecordType.PACKAGE: (EvidencePackage, "finished_at"),
        RecordType.DOCUMENT: (DocumentVersion, "created_at"),
    }[RecordType(record_type)]
    old = model._default_manager.filter(file=OuterRef("pk"), **{f"{moment}__lt": received_before})
    rows: QuerySet = StoredFile.objects.filter(Exists(old)).order_by("created_at", "pk")
    last: StoredFile | None = None
    while True:
        page = (
            rows.filter(created_at__gte=last.created_at).exclude(created_at=last.created_at, pk__lte=last.pk)
            if last
            else rows
        )
        batch = list(page[:BATCH])
        if not batch:
            return
        yield batch
        last = batch[-1]


def _named_in_open_disposals() -> set[uuid.UUID]:
    open_ones = Disposal.objects.filter(state__in=["proposed", "approved", "running"])
    return {uuid.UUID(item["file"]) for items in open_ones.values_list("items", flat=True) for item in items}


def _referred_by_others(listed: dict[uuid.UUID, StoredFile]) -> dict[uuid.UUID, str]:
    """Files that a kind of record refers to for which no retention is known: these never go."""
    found: dict[uuid.UUID, str] = {}
    for relation in StoredFile._meta.related_objects:
        model = relation.related_model
        if model in _DISPOSABLE or model.__name__ in _NO_KEEPERS or model.__name__.startswith("Historical"):
            continue
        column = relation.field.attname
        rows = model._default_manager.filter(**{f"{column}__in": listed}).values_list(column, flat=True)
        found |= dict.fromkeys(rows, f"a {model._meta.verbose_name}")
    return found


def _reports(listed: dict[uuid.UUID, StoredFile]) -> Iterator[tuple[uuid.UUID, str, Record]]:
    results = list(
        Result.objects.filter(file__in=listed).select_related("artifact__service").defer("summary")
    )
    artifacts = {r.artifact_id for r in results}
    carried: dict[Any, list[Any]] = defaultdict(list)
    for each in ReleaseArtifact.objects.filter(artifact__in=artifacts).select_related("release"):
        carried[each.artifact_id].append(each.release)
    later: dict[tuple[Any, ...], list[datetime]] = defaultdict(list)
    for artifact, kind, tool, stream, at in Result.objects.filter(artifact__in=artifacts).values_list(
        "artifact", "kind", "tool", "stream", "reported_at"
    ):
        later[artifact, kind, tool, stream].append(at)
    for result in results:
        releases = carried[result.artifact_id]
        service = result.artifact.service
        newer = [
            at
            for at in later[result.artifact_id, result.kind, result.tool, result.stream]
            if at > result.reported_at
        ]
        superseded = min(newer, default=None)
        events = {"released": _released(releases, result.reported_at), "superseded": superseded}
        yield (
            result.file_id,
            str(result),
            Record(
                RecordType.REPORT,
                result.reported_at,
                events,
                service.regulated,
                # Gates read these statements again at each evaluation.
                result.format == "openvex" and superseded is None,
                frozenset({r.train_id for r in releases} | {service.train_id} - {None}),
                frozenset({service.pk}),
                frozenset(r.pk for r in releases),
                *_obligations(service),
            ),
        )


def _obligations(service: Service | None) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """(frameworks, jurisdictions) of a service's records; None: not known."""
    if service is None:
        return None, None
    return frozenset(service.frameworks) or None, frozenset(service.jurisdictions) or None


def _released(releases: list[Any], received: datetime) -> datetime | None:
    """When the last release with the build ended; a build that no release ever carried counts from its receipt."""
    if not releases:
        return received
    ends = [r.released_at if r.state in ("released", "closed", "rolled_back") else None for r in releases]
    ended = [
        e if e else (r.created_at if r.state == "cancelled" else None)
        for e, r in zip(ends, releases, strict=True)
    ]
    return max(ended) if all(ended) else None  # type: ignore[type-var]


def _packages(listed: dict[uuid.UUID, StoredFile]) -> Iterator[tuple[uuid.UUID, str, Record]]:
    packages = list(EvidencePackage.objects.filter(file__in=listed))
    about = {(p.subject_kind, p.subject_id) for p in packages if p.subject_id}
    newer: dict[Any, list[datetime]] = defaultdict(list)
    for kind, subject, at in EvidencePackage.objects.filter(
        subject_id__in=[s for _, s in about], state="done"
    ).values_list("subject_kind", "subject_id", "finished_at"):
        newer[kind, subject].append(at)
    for package in packages:
        received = package.finished_at or package.requested_at
        later = [at for at in newer[package.subject_kind, package.subject_id] if at > received]
        release = package.subject_kind == "release"
        yield (
            package.file_id,
            str(package),
            Record(
                RecordType.PACKAGE,
                received,
                {"superseded": min(later, default=None), "released": received},
                True,
                False,
                frozenset({package.train_id}) if package.train_id else None,
                None,
                frozenset({package.subject_id}) if release else None,
            ),
        )


def _documents(listed: dict[uuid.UUID, StoredFile]) -> Iterator[tuple[uuid.UUID, str, Record]]:
    versions = DocumentVersion.objects.filter(file__in=listed).select_related(
        "document__service", "document__release"
    )
    for version in versions:
        service, release = version.document.service, version.document.release
        ended = version.superseded_at or (version.decided_at if version.state == "rejected" else None)
        yield (
            version.file_id,
            str(version),
            Record(
                RecordType.DOCUMENT,
                version.created_at,
                {"superseded": ended, "released": ended},
                service.regulated if service else True,
                version.state in ("draft", "approved"),
                frozenset({service.train_id} - {None} if service else {release.train_id}),
                frozenset({service.pk}) if service else None,
                frozenset({release.pk}) if release else None,
                *_obligations(service),
            ),
        )
