"""What a scan does to the findings of a service: new ones open, gone ones are fixed, returned ones reopen."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from governance.gates import invalidate
from governance.models import Finding, FindingOccurrence, Result
from governance.rules.reading import ReportedFinding
from governance.rules.sla import due_at
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.clock import now
from releasetrain.tenancy.bulk import insert_many
from releasetrain.tenancy.models import TenantModel
from trains.models import Artifact

_CLOSED_BY_SCAN = (Finding.State.OPEN, Finding.State.TRIAGED, Finding.State.REOPENED, Finding.State.ACCEPTED)
# Worst first. What nobody can rate may be anything, and comes before what is known to be less than the worst.
_ORDER = ("critical", "unknown", "high", "medium", "low", "info")
_CHANGING = [
    *(
        "state",
        "severity",
        "score",
        "vector",
        "due_at",
        "last_seen_at",
        "location",
        "title",
        "accepted_until",
    ),
    *("reporters", "aliases", "package", "fixed_in"),
]


def record_findings(result: Result, reported: Iterable[ReportedFinding]) -> dict[str, int]:
    """Bring the findings of the result's service up to date with this scan. The caller holds the service's lock.

    One finding is one weakness of the service, whichever tools report it: each tool's last scan is noted with the
    severity it gives, the worst counts, and the finding is fixed when the last of them no longer reports it.
    """
    by_name = {f.fingerprint: f for f in reported}
    service_id = result.artifact.service_id
    newest = _is_newest(result)
    had = _had_before(result) if newest and not result.summary.get("problems") else set()
    rows = Finding.objects.filter(service_id=service_id).filter(
        Q(fingerprint__in=list(by_name)) | Q(pk__in=had)
    )
    known = {f.fingerprint: f for f in rows}
    reporter = _reporter(result)
    created = [_new(result, reporter, f) for name, f in by_name.items() if name not in known]
    bulk_create_tracked(created)
    seen = [known[name] for name in by_name if name in known]
    changed = [f for f in seen if newest and _seen_again(f, by_name[f.fingerprint], reporter, result)]
    gone = [f for name, f in known.items() if name not in by_name and _gone(f, reporter)]
    fixed = sum(1 for f in gone if f.state == Finding.State.FIXED)
    reopened = sum(1 for f in changed if f.state == Finding.State.REOPENED)
    bulk_update_tracked([*changed, *gone], _CHANGING)
    insert_facts(
        FindingOccurrence(finding=f, result=result, exempt=by_name[f.fingerprint].exempt)
        for f in [*created, *seen]
    )
    return {"new": len(created), "seen": len(seen), "reopened": reopened, "fixed": fixed}


def merge_findings(result: Result, found: Iterable[ReportedFinding]) -> int:
    """Findings that were learnt about a result after it was posted; returns how many are new or open again.

    They are noted as reported by that result's stream, so that the stream's next scan fixes what it no longer has.
    """
    by_name = {f.fingerprint: f for f in found}
    rows = Finding.objects.filter(
        service_id=result.artifact.service_id, fingerprint__in=list(by_name)
    ).select_for_update()
    known = {f.fingerprint: f for f in rows}
    reporter, newest = _reporter(result), _is_newest(result)
    created = [_new(result, reporter, f) for name, f in by_name.items() if name not in known]
    for finding in created:
        finding.first_seen_at = finding.last_seen_at = now()
        finding.due_at = due_at(finding.severity, finding.first_seen_at)
    bulk_create_tracked(created)
    were_fixed = {f.pk for f in known.values() if f.state == Finding.State.FIXED}
    changed = [
        f for f in known.values() if newest and _seen_again(f, by_name[f.fingerprint], reporter, result)
    ]
    bulk_update_tracked(changed, _CHANGING)
    listed = [*created, *known.values()]
    insert_many([FindingOccurrence(finding=f, result=result) for f in listed], ignore_conflicts=True)
    reopened = sum(1 for f in changed if f.pk in were_fixed and f.state == Finding.State.REOPENED)
    return len(created) + reopened


def insert_facts(rows: Iterable[TenantModel]) -> None:
    """Insert many rows of an untracked model."""
    listed = list(rows)
    if listed:
        insert_many(listed)


def _reporter(result: Result) -> str:
    """What a later scan replaces: the same tool, kind of scan and stream."""
    return " / ".join(part for part in (result.tool, result.kind, result.stream) if part)


def _said(reported: ReportedFinding) -> dict[str, Any]:
    return {
        "severity": reported.severity,
        "score": str(reported.score) if reported.score is not None else None,
        "vector": reported.vector,
    }


def _new(result: Result, reporter: str, reported: ReportedFinding) -> Finding:
    first_seen = result.reported_at
    return Finding(
        service_id=result.artifact.service_id,
        kind=reported.kind,
        fingerprint=reported.fingerprint,
        tool=reported.tool,
        rule=reported.rule,
        title=reported.title,
        severity=reported.severity,
        score=reported.score,
        vector=reported.vector,
        location=reported.location,
        package=reported.package,
        fixed_in=reported.fixed_in,
        aliases=list(reported.aliases),
        reporters={reporter: _said(reported)},
        first_seen_at=first_seen,
        last_seen_at=first_seen,
        due_at=due_at(reported.severity, first_seen),
    )


def _seen_again(finding: Finding, reported: ReportedFinding, reporter: str, result: Result) -> bool:
    """Take over what the scan says. Only what matters is a change: 10 000 unchanged findings write nothing."""
    before = (finding.state, finding.severity, finding.location, dict(finding.reporters), finding.fixed_in)
    if finding.state == Finding.State.FIXED and not reported.exempt:
        finding.state = Finding.State.REOPENED
        finding.due_at = due_at(reported.severity, result.reported_at)
    finding.reporters = {**finding.reporters, reporter: _said(reported)}
    _rate(finding)
    if finding.tool == reported.tool:
        finding.location, finding.title = reported.location, reported.title
    finding.fixed_in = reported.fixed_in or finding.fixed_in
    finding.package = finding.package or reported.package
    if reported.aliases:
        finding.aliases = sorted({*finding.aliases, *reported.aliases})
    changed: bool = before != (
        finding.state,
        finding.severity,
        finding.location,
        finding.reporters,
        finding.fixed_in,
    )
    if changed:
        finding.last_seen_at = result.reported_at
    return changed


def _rate(finding: Finding) -> None:
    """The worst that any tool's last scan says."""
    worst = min(finding.reporters.values(), key=lambda said: _ORDER.index(said["severity"]))
    if worst["severity"] != finding.severity:
        finding.due_at = due_at(worst["severity"], finding.first_seen_at)
    finding.severity, finding.score, finding.vector = worst["severity"], worst["score"], worst["vector"]


def _gone(finding: Finding, reporter: str) -> bool:
    """This tool no longer reports it; when no other does, it is fixed. Whether that changed anything."""
    if finding.state not in _CLOSED_BY_SCAN:
        return False
    left = {name: said for name, said in finding.reporters.items() if name != reporter}
    if left:
        changed: bool = left != finding.reporters
        finding.reporters = left
        _rate(finding)
        return changed
    finding.reporters = {}
    finding.state = Finding.State.FIXED
    finding.accepted_until = None
    return True


def _had_before(result: Result) -> set[uuid.UUID]:
    """The findings of the scan that this one replaces. A scan that was incomplete proves nothing, so it fixes nothing."""
    before = (
        Result.objects.filter(
            artifact__service_id=result.artifact.service_id,
            kind=result.kind,
            tool=result.tool,
            stream=result.stream,
        )
        .exclude(pk=result.pk)
        .order_by("-reported_at", "-id")
        .first()
    )
    if before is None:
        return set()
    return set(FindingOccurrence.objects.filter(result=before).values_list("finding_id", flat=True))


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


def end_acceptances() -> int:
    """Open again what was accepted until a day that is over; returns how many findings."""
    moment = now()
    ended = list(
        Finding.objects.select_for_update(skip_locked=True).filter(
            state=Finding.State.ACCEPTED, accepted_until__lte=moment
        )[:1000]
    )
    for finding in ended:
        finding.state = Finding.State.REOPENED
        finding.accepted_until = None
    bulk_update_tracked(ended, ["state", "accepted_until"])
    for service_id in {finding.service_id for finding in ended}:
        invalidate(service=service_id)
    return len(ended)
