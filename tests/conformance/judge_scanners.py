"""Judges of folder 05a and the SPDX part of 05b: scanners' reports and bills of materials."""

from __future__ import annotations

from governance.rules.intake.cyclonedx import BillOfMaterials
from governance.rules.intake.detect import Kind, detect, read_report
from governance.rules.intake.errors import ReportError
from governance.rules.intake.sarif import ScanReport
from governance.rules.intake.scanned import ScannerReport

from .vectors import Tally, folder, judge, load, refuses

# Formats that the product reads; the others of the folder are no formats of ours.
READ = {
    *(
        "sarif",
        "cyclonedx",
        "trivy",
        "trivy_operator",
        "anchore_grype",
        "snyk",
        "zap",
        "semgrep",
        "gitleaks",
        "generic",
    ),
    *(
        "bandit",
        "checkov",
        "kics",
        "tfsec",
        "npm_audit",
        "npm_audit_7_plus",
        "pip_audit",
        "nuclei",
        "dependency_check",
    ),
    *("gitlab_sast", "gitlab_dep_scan", "gitlab_container_scan"),
}
# What an empty list is a scan for, only its sender knows.
MEANT = {"gitleaks": "secrets", "pip_audit": "composition", "nuclei": "dynamic"}
PLACES = "the publisher counts every place of a result; a result is one finding for us, as SARIF says"
OLDER = "CycloneDX before 1.4 had another shape and is refused; the specification names 1.4 to 1.6"
DIFFERENCES = {
    "sarif/njsscan.sarif": PLACES,
    "sarif/mobsfscan.json": PLACES,
    "cyclonedx/spec1.xml": OLDER,
    "cyclonedx/spec1_lowfirst.xml": OLDER,
    "cyclonedx/retirejs.latest.xml": OLDER,
    "cyclonedx/jake.xml": OLDER,
    "cyclonedx/cyclonedx_bom.xml": OLDER,
}


@judge("05a_scan_reports")
def scanner_counts() -> Tally:
    """Findings per report: as listed where the publisher's figure is the listed one, else after deduplication."""
    base = folder("05a_scan_reports")
    cases = {
        name: case
        for name, case in load("05a_scan_reports", "expected_counts.json").items()
        if case["format"] in READ
    }
    tally = Tally(len(cases), known=DIFFERENCES)
    for name, case in cases.items():
        data, meant = (base / name).read_bytes(), MEANT.get(case["format"], "")
        try:
            report = read_report(data, meant=meant)
        except ReportError as error:
            tally.case(name, False, error)
            continue
        listed, distinct = _counts(report)
        expected = case["expected_findings"]
        told = case["raw_result_count"]
        agrees = expected == listed if told == expected else expected in (listed, distinct)
        tally.case(name, agrees, (listed, distinct))
    return tally


def _counts(report: object) -> tuple[int, int]:
    """Findings as listed, and with equal fingerprints taken together."""
    if isinstance(report, ScanReport):
        return len(report.findings), len({finding.fingerprint for finding in report.findings})
    if isinstance(report, ScannerReport):
        return len(report.findings), len({finding.fingerprint for finding in report.findings})
    assert isinstance(report, BillOfMaterials)
    number = sum(len(v.affects) or 1 for v in report.vulnerabilities)
    return number, number


@judge("05b_sbom_vex/spdx")
def spdx_packages() -> Tally:
    """Packages counted in the files; SPDX 3.0, which the product does not read, is refused."""
    base = folder("05b_sbom_vex", "spdx")
    cases = load("05b_sbom_vex", "spdx", "counted_from_files.json")
    newer = sorted(base.glob("*spdx3.json"))
    tally = Tally(len(cases) + len(newer))
    for case in cases:
        data = (base / case["file"]).read_bytes()
        report = read_report(data)
        found = len(report.components) if isinstance(report, BillOfMaterials) else None
        tally.case(case["file"], found == case["packages"] and detect(data) is Kind.SPDX, found)
    for path in newer:
        tally.case(path.name, refuses(ReportError, read_report, path.read_bytes()))
    return tally


OPENCOVER = {
    "opencover-missing-source-line.xml": (122, 138),
    "opencover-reporttotestsourcefiles.xml": (9, 15),
    "opencover-with-bom.xml": (9, 15),
    "opencover.xml": (122, 138),
    "empty.xml": None,
}


@judge("05d_coverage/jenkins opencover")
def opencover_summaries() -> Tally:
    """Sequence points as the summary of each file declares them; a file without any is refused."""
    from governance.rules.intake.coverage import read_coverage

    base = folder("05d_coverage", "jenkins", "opencover")
    paths = sorted(base.glob("*.xml"))
    tally = Tally(len(paths))
    for path in paths:
        expected = OPENCOVER.get(path.name)
        if expected is None:
            tally.case(path.name, refuses(ReportError, read_coverage, path.read_bytes()))
            continue
        summary = read_coverage(path.read_bytes())
        declared = summary.declared_lines
        found = (summary.lines.covered, summary.lines.total)
        tally.case(path.name, found == expected and declared is not None and summary.agrees, found)
    return tally
