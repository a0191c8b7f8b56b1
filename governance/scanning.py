"""What a scan does to the findings of a service: new ones open, gone ones are fixed, returned ones reopen."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from governance.models import Finding, FindingOccurrence, Result
from governance.rules.reading import ReportedFinding
from governance.rules.sla import due_at
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.tenancy.models import TenantModel
from trains.models import Artifact

BATCH = 2_000
_CLOSED_BY_SCAN = (Finding.State.OPEN, Finding.State.TRIAGED, Finding.State.REOPENED, Finding.State.ACCEPTED)


def record_findings(
    result: Result, reported: Iterable[ReportedFinding], tools: Iterable[str]
) -> dict[str, int]:
    """Bring the findings of the result's service up to date with this scan. The caller holds the service's lock."""
    by_name = {(f.tool, f.fingerprint): f for f in reported}
    tools = sorted({*tools, *(tool for tool, _ in by_name)})
    service_id = result.artifact.service_id
    known = {
        (f.tool, f.fingerprint): f
        for f in Finding.objects.filter(service_id=service_id, tool__in=tools, kind=result.kind)
    }
    newest = _is_newest(result)
    created = [_new(result, f) for name, f in by_name.items() if name not in known]
    bulk_create_tracked(created, batch_size=BATCH)
    seen = [known[name] for name in by_name if name in known]
    changed = [f for f in seen if newest and _seen_again(f, by_name[(f.tool, f.fingerprint)], result)]
    fixed = _gone(result, known, by_name) if newest else []
    for finding in fixed:
        finding.state = Finding.State.FIXED
        finding.accepted_until = None
    reopened = sum(1 for f in changed if f.state == Finding.State.REOPENED)
    bulk_update_tracked(
        [*changed, *fixed],
        ["state", "severity", "score", "due_at", "last_seen_at", "location", "title", "accepted_until"],
    )
    insert_facts(
        FindingOccurrence(finding=f, result=result, exempt=by_name[(f.tool, f.fingerprint)].exempt)
        for f in [*created, *seen]
    )
    return {"new": len(created), "seen": len(seen), "reopened": reopened, "fixed": len(fixed)}


def insert_facts(rows: Iterable[TenantModel]) -> None:
    """Insert many rows of an untracked model."""
    rows = list(rows)
    if rows:
        for row in rows:
            row.prepare_save()
        type(rows[0])._default_manager.bulk_create(rows, batch_size=BATCH)


def _new(result: Result, reported: ReportedFinding) -> Finding:
    first_seen = result.reported_at
    return Finding(
        service_id=result.artifact.service_id,
        kind=result.kind,
        fingerprint=reported.fingerprint,
        tool=reported.tool,
        rule=reported.rule,
        title=reported.title,
        severity=reported.severity,
        score=reported.score,
        location=reported.location,
        first_seen_at=first_seen,
        last_seen_at=first_seen,
        due_at=due_at(reported.severity, first_seen),
    )


def _seen_again(finding: Finding, reported: ReportedFinding, result: Result) -> bool:
    """Take over what the scan says. Only what matters is a change: 10 000 unchanged findings write nothing."""
    before = (finding.state, finding.severity, finding.location)
    if finding.state == Finding.State.FIXED and not reported.exempt:
        finding.state = Finding.State.REOPENED
        finding.due_at = due_at(reported.severity, result.reported_at)
    if finding.severity != reported.severity:
        finding.due_at = due_at(reported.severity, finding.first_seen_at)
    finding.severity, finding.score = reported.severity, reported.score
    finding.location, finding.title = reported.location, reported.title
    changed = before != (finding.state, finding.severity, finding.location)
    if changed:
        finding.last_seen_at = result.reported_at
    return changed


def _gone(
    result: Result, known: dict[tuple[str, str], Finding], reported: dict[tuple[str, str], ReportedFinding]
) -> list[Finding]:
    """Findings that the previous scan of this stream had, that no scan of another stream has, and that this one lacks.

    A scan that was incomplete proves nothing, so it fixes nothing.
    """
    if result.summary.get("problems"):
        return []
    streams = (
        Result.objects.filter(artifact__service_id=result.artifact.service_id, kind=result.kind)
        .exclude(pk=result.pk)
        .order_by("tool", "stream", "-reported_at", "-id")
        .distinct("tool", "stream")
    )
    latest = list(streams.values_list("pk", "tool", "stream"))
    replaced = [pk for pk, tool, stream in latest if (tool, stream) == (result.tool, result.stream)]
    others = [pk for pk, tool, stream in latest if (tool, stream) != (result.tool, result.stream)]
    had = _found_in(replaced)
    still = _found_in(others)
    return [
        finding
        for name, finding in known.items()
        if name not in reported
        and finding.state in _CLOSED_BY_SCAN
        and finding.pk in had
        and finding.pk not in still
    ]


def _found_in(results: list[uuid.UUID]) -> set[uuid.UUID]:
    return (
        set(FindingOccurrence.objects.filter(result__in=results).values_list("finding_id", flat=True))
        if results
        else set()
    )


def _is_newest(result: Result) -> bool:
    """Whether no younger build of the service has been scanned: a scan of an old build says nothing about today."""
    artifact: Artifact = result.artifact
    made_at = artifact.built_at or artifact.created_at
    younger = (
        Artifact.objects.filter(
            service_id=artifact.service_id, results__kind=result.kind, results__tool=result.tool
        )
        .exclude(pk=artifact.pk)
        .distinct()
        .values_list("built_at", "created_at")
    )
    return not any((built_at or created_at) > made_at for built_at, created_at in younger)
