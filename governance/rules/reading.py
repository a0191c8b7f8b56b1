"""From a read report to what is kept of it: a summary, findings with stable fingerprints, components."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .intake.coverage import CoverageSummary
from .intake.cyclonedx import BillOfMaterials, Component, Vulnerability
from .intake.detect import Report
from .intake.openvex import VexDocument
from .intake.packages import package_of
from .intake.performance import PerformanceReport
from .intake.provenance import Provenance
from .intake.sarif import ScanReport
from .intake.scanned import ScannerReport, vulnerability_fingerprint
from .intake.tests import TestSummary

_LISTED = 50
CYCLONEDX = "CycloneDX"
OPENVEX = "OpenVEX"


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding as one report names it; `exempt` says why the report itself does not count it."""

    tool: str
    fingerprint: str
    rule: str
    title: str
    severity: str
    score: Decimal | None
    location: str
    exempt: str
    kind: str = "static_analysis"
    vector: str = ""
    package: str = ""
    fixed_in: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportedComponent:
    purl: str
    name: str
    version: str
    licence: str
    package: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is kept of a report."""

    kind: str
    format: str
    tools: tuple[str, ...]
    summary: dict[str, Any]
    findings: tuple[ReportedFinding, ...] = ()
    components: tuple[ReportedComponent, ...] = ()
    # What is kept of the file where the file itself must not be.
    redacted: bytes | None = None


def reading_of(report: Report) -> Reading:
    """The reading of any report."""
    if isinstance(report, TestSummary):
        return _tests(report)
    if isinstance(report, CoverageSummary):
        return _coverage(report)
    if isinstance(report, ScanReport):
        return _scan(report)
    if isinstance(report, VexDocument):
        return _vex(report)
    if isinstance(report, ScannerReport):
        return _scanner(report)
    if isinstance(report, PerformanceReport):
        return _performance(report)
    if isinstance(report, Provenance):
        return provenance_reading(report)
    return _bill(report)


def _tests(report: TestSummary) -> Reading:
    counts = {
        name: getattr(report, name)
        for name in ("total", "passed", "failed", "errored", "skipped", "flaky", "duration")
    }
    failing = [
        {"outcome": c.outcome.value, "suite": c.suite, "name": c.name, "message": c.message}
        for c in report.failing
    ]
    return Reading(
        "tests",
        report.format,
        (),
        {**counts, "failing": failing[:_LISTED], "problems": list(report.problems[:_LISTED])},
    )


def _coverage(report: CoverageSummary) -> Reading:
    judged = report.judged
    return Reading(
        "coverage",
        report.format,
        (),
        {
            "covered": judged.covered,
            "total": judged.total,
            "percent": str(judged.percent) if judged.percent is not None else None,
            "basis": report.basis,
            "agrees": report.agrees,
            "branches": {"covered": report.branches.covered, "total": report.branches.total}
            if report.branches
            else None,
            "files": report.files,
        },
    )


def _scan(report: ScanReport) -> Reading:
    found = [
        ReportedFinding(
            tool=run.tool[:120],
            fingerprint=finding.fingerprint,
            rule=finding.rule[:200],
            title=(finding.message or finding.rule_name or finding.rule or "Finding without a message")[:300],
            severity=finding.severity.value,
            score=finding.score,
            location=(f"{finding.path}:{finding.line}" if finding.line else finding.path)[:500],
            exempt="suppressed" if finding.suppressed else "",
        )
        for run in report.runs
        for finding in run.findings
    ]
    problems = [f"{run.tool}: {problem}" for run in report.runs for problem in run.problems]
    if not report.runs:
        problems.append("The file lists no run of any tool.")
    findings = _once(found)
    tools = tuple(sorted({run.tool[:120] for run in report.runs}))
    return Reading(
        "static_analysis",
        "SARIF 2.1.0",
        tools,
        {**_counts(findings), "problems": problems[:_LISTED]},
        findings,
    )


def _scanner(report: ScannerReport) -> Reading:
    found = [
        ReportedFinding(
            tool=weakness.tool[:120],
            fingerprint=weakness.fingerprint,
            rule=weakness.rule[:200],
            title=(weakness.title or weakness.rule or "Finding without a title")[:300],
            severity=weakness.severity,
            score=weakness.score,
            location=weakness.location,
            exempt=weakness.exempt,
            kind=weakness.kind,
            vector=weakness.vector[:200],
            package=weakness.package[:500],
            fixed_in=weakness.fixed_in[:200],
            aliases=weakness.aliases[:20],
        )
        for weakness in report.findings
    ]
    findings = _once(found)
    return Reading(
        report.kind,
        report.format,
        tuple(tool[:120] for tool in report.tools),
        {**_counts(findings), "listed": len(found), "problems": list(report.problems[:_LISTED])},
        findings,
        redacted=report.redacted,
    )


def _performance(report: PerformanceReport) -> Reading:
    durations = {
        name: getattr(report, name) for name in ("average", "median", "p90", "p95", "p99", "longest")
    }
    crossed = [t for t in report.thresholds if not t.kept]
    return Reading(
        "performance",
        report.format,
        (report.format.partition(" ")[0],),
        {
            "requests": report.requests,
            "errors": round(report.errors, 6),
            "rate": round(report.rate, 3),
            **{name: round(value, 3) if value is not None else None for name, value in durations.items()},
            "checks_failed": report.checks_failed,
            "thresholds": len(report.thresholds),
            "crossed": [f"{t.metric}: {t.rule}" for t in crossed][:_LISTED],
            "problems": list(report.problems),
        },
    )


def provenance_reading(report: Provenance) -> Reading:
    """What is kept of provenance; `signed_by` is empty until keys of the organization verified it."""
    version = "v1" if report.predicate.endswith("/v1") else "v0.2"
    return Reading(
        "provenance",
        f"in-toto SLSA provenance {version}",
        (report.builder[:120] or "unknown builder",),
        {
            "builder": report.builder,
            "definition": report.definition,
            "definition_digest": report.definition_digest,
            "commit": report.commit,
            "source_repository": report.source,
            "invocation": report.invocation,
            "started_at": report.started_at.isoformat() if report.started_at else None,
            "finished_at": report.finished_at.isoformat() if report.finished_at else None,
            "subjects": list(report.subjects[:_LISTED]),
            "signatures": report.signatures,
            "signed_by": list(report.signed_by),
            "verified": bool(report.signed_by),
            "problems": list(report.problems),
        },
    )


def _bill(report: BillOfMaterials) -> Reading:
    by_purl = {c.purl: c for c in report.components if c.purl}
    found = [
        _vulnerability(v, target, by_purl.get(target))
        for v in report.vulnerabilities
        for target in (v.affects or ("",))
    ]
    findings = _once(found)
    components = tuple(
        ReportedComponent(
            c.purl[:1000],
            (f"{c.group}/{c.name}" if c.group else c.name)[:500],
            c.version[:200],
            _licence(c),
            package_of(c.purl),
        )
        for c in report.components
    )
    summary = {
        **_counts(findings),
        "components": len(components),
        "serial_number": report.serial_number,
        "problems": [],
    }
    return Reading(
        "composition",
        f"{report.format} {report.spec_version}",
        (report.format,),
        summary,
        findings,
        components,
    )


def _vex(report: VexDocument) -> Reading:
    """Statements are applied when a gate looks: what they say may be about scans that come later."""
    counted = Counter(s.status.value for s in report.statements)
    summary = {
        "statements": len(report.statements),
        "by_status": dict(sorted(counted.items())),
        "author": report.author,
    }
    # Each author's documents replace each other, never another author's.
    return Reading("composition", OPENVEX, (f"{OPENVEX} by {report.author}",), {**summary, "problems": []})


_EXEMPT_BY_ANALYSIS = {
    "resolved": "resolved",
    "resolved_with_pedigree": "resolved",
    "false_positive": "false_positive",
    "not_affected": "not_affected",
}


def _vulnerability(v: Vulnerability, target: str, component: Component | None) -> ReportedFinding:
    # Without the version: an update that is still vulnerable is the same finding.
    package = package_of(target) or target
    name = f"{component.name} {component.version}".strip() if component else target
    return ReportedFinding(
        tool=CYCLONEDX,
        fingerprint=vulnerability_fingerprint(v.id, v.aliases, package),
        rule=v.id[:200],
        title=(f"{v.id} in {name}" if name else v.id)[:300],
        severity=v.severity.value if v.severity else "unknown",
        score=round(v.score, 1) if v.score is not None and 0 <= v.score <= 10 else None,
        location=target[:500],
        exempt=_EXEMPT_BY_ANALYSIS.get(v.analysis.value, "") if v.analysis else "",
        kind="composition",
        vector=v.vector[:200],
        package=package[:500],
        aliases=v.aliases[:20],
    )


def _licence(component: Component) -> str:
    return " OR ".join(component.licences)[:500]


def _once(found: list[ReportedFinding]) -> tuple[ReportedFinding, ...]:
    """One per fingerprint; what counts outranks what is exempt, and of two that count the worse one stays."""
    kept: dict[str, ReportedFinding] = {}
    for finding in found:
        name = finding.fingerprint
        if name not in kept or _rank(finding) < _rank(kept[name]):
            kept[name] = finding
    return tuple(kept.values())


_ORDER = ("critical", "unknown", "high", "medium", "low", "info")


def _rank(finding: ReportedFinding) -> tuple[bool, int]:
    return bool(finding.exempt), _ORDER.index(finding.severity)


def _counts(findings: tuple[ReportedFinding, ...]) -> dict[str, Any]:
    counted = Counter(f.severity for f in findings if not f.exempt)
    return {
        "findings": len(findings),
        "exempt": sum(1 for f in findings if f.exempt),
        "by_severity": dict(sorted(counted.items())),
    }
