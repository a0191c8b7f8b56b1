"""Published vulnerabilities against the components of what is deployed, newest or on its way."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from governance.gates import invalidate
from governance.models import Advisory, Component, Finding, FindingOccurrence
from governance.queries.components import artifacts_in_use
from governance.queries.results import standing_results
from governance.rules.affected import is_affected
from governance.rules.intake.scanned import vulnerability_fingerprint
from governance.rules.reading import OPENVEX, ReportedComponent, ReportedFinding
from governance.scanning import merge_findings
from trains.models import Service

TOOL = "Advisories"


def findings_of(
    advisories: Iterable[Advisory], parts: Iterable[tuple[str, str, str]]
) -> list[ReportedFinding]:
    """What the advisories say about parts given as (package, version, package URL)."""
    entries: dict[str, list[tuple[Advisory, dict[str, Any]]]] = defaultdict(list)
    for advisory in advisories:
        if advisory.withdrawn_at is None:
            for entry in advisory.affected:
                entries[entry["package"]].append((advisory, entry))
    found: dict[str, ReportedFinding] = {}
    for package, version, purl in parts:
        for advisory, entry in entries.get(package, ()):
            if not is_affected(entry, version):
                continue
            name = vulnerability_fingerprint(advisory.identifier, advisory.aliases, package)
            found.setdefault(
                name,
                ReportedFinding(
                    tool=TOOL,
                    fingerprint=name,
                    rule=advisory.identifier,
                    title=f"{advisory.identifier} in {package.removeprefix('pkg:')} {version}: {advisory.title}"[
                        :300
                    ],
                    severity=advisory.severity,
                    score=Decimal(advisory.score) if advisory.score is not None else None,
                    location=(purl or package)[:500],
                    exempt="",
                    kind="composition",
                    vector=advisory.vector,
                    package=package,
                    fixed_in=entry.get("fixed", "")[:200],
                    aliases=tuple(advisory.aliases),
                ),
            )
    return list(found.values())


def known_about(components: Iterable[ReportedComponent]) -> list[ReportedFinding]:
    """What the advisories that are known already say about the components of a new bill of materials."""
    parts = [(c.package, c.version, c.purl) for c in components if c.package]
    packages = sorted({package for package, _, _ in parts})
    if not packages:
        return []
    rows = Advisory.objects.filter(withdrawn_at__isnull=True)
    if not rows.exists():
        return []
    return findings_of(rows.filter(packages__has_any_keys=packages), parts)


def match(advisories: list[Advisory]) -> dict[str, int]:
    """Open findings for every component in use that these advisories cover; verdicts about its builds stand no more."""
    packages = sorted({name for advisory in advisories for name in advisory.packages})
    artifacts = artifacts_in_use()
    results = {
        result.pk: result
        for listed in standing_results(artifacts, "composition").values()
        for result in listed
        if result.format != OPENVEX
    }
    parts: dict[uuid.UUID, list[tuple[str, str, str]]] = defaultdict(list)
    rows = Component.objects.filter(result__in=list(results), package__in=packages)
    for result_id, package, version, purl in rows.values_list("result_id", "package", "version", "purl"):
        parts[result_id].append((package, version, purl))
    opened, builds = 0, 0
    # One service at a time, always in the same order: scans of the same services wait and do not deadlock.
    affected = sorted((results[pk] for pk in parts), key=lambda r: (str(r.artifact.service_id), str(r.pk)))
    for result in affected:
        found = findings_of(advisories, parts[result.pk])
        if found:
            Service.objects.select_for_update(no_key=True).get(pk=result.artifact.service_id)
            opened += merge_findings(result, found)
            invalidate(artifact=result.artifact_id, service=result.artifact.service_id)
            builds += 1
    return {"opened": opened, "builds": builds}


def withdraw(advisories: list[Advisory]) -> int:
    """Findings that only rest on withdrawn advisories are none; returns how many."""
    count = 0
    for advisory in advisories:
        names = [
            vulnerability_fingerprint(advisory.identifier, advisory.aliases, p) for p in advisory.packages
        ]
        rows = Finding.objects.filter(tool=TOOL, fingerprint__in=names).exclude(
            state=Finding.State.FALSE_POSITIVE
        )
        for finding in rows.select_for_update():
            # Another scanner's report about it stands on its own.
            scanned = FindingOccurrence.objects.filter(finding=finding).exclude(
                result__format__regex=r"^(CycloneDX|SPDX)"
            )
            if scanned.exists():
                continue
            finding.state = Finding.State.FALSE_POSITIVE
            finding.assessment = f"{advisory.identifier} was withdrawn."
            finding.accepted_until = None
            finding.save()
            invalidate(service=finding.service_id)
            count += 1
    return count
