"""Judges of folders 05b and 05e: bills of materials and scan results."""

from governance.rules.intake.cyclonedx import read_cyclonedx
from governance.rules.intake.detect import Kind, detect
from governance.rules.intake.errors import ReportError
from governance.rules.intake.openvex import SETTLED, VexDocument, deciding, read_openvex
from governance.rules.intake.sarif import read_sarif

from .vectors import Tally, folder, judge, load, refuses


@judge("05b_sbom_vex/cyclonedx_spec")
def cyclonedx_validity() -> Tally:
    base = folder("05b_sbom_vex", "cyclonedx_spec")
    expected = load("05b_sbom_vex", "cyclonedx_spec", "expected_validity.json")
    tally = Tally(sum(map(len, expected.values())))
    for version, cases in expected.items():
        for name, validity in cases.items():
            data = (base / version / name).read_bytes()
            refused = refuses(ReportError, read_cyclonedx, data)
            tally.case(name, refused == (validity == "invalid") and detect(data) is Kind.CYCLONEDX)
    return tally


@judge("05b_sbom_vex/openvex sarif")
def sarif_counts() -> Tally:
    """Runs and results as the VEX tool counts them, before and after the statements are applied."""
    base = folder("05b_sbom_vex", "openvex")
    cases = load("05b_sbom_vex", "openvex", "expected_filter_counts.json")["cases"]
    tally = Tally(len(cases))
    for case in cases:
        report = read_sarif((base / case["sarif"]).read_bytes())
        found = (len(report.runs), report.runs[0].results, len(report.runs[0].findings))
        results = case["results_in_first_run_before"]
        vex = read_openvex((base / case["vex"]).read_bytes())
        left = [finding for finding in report.runs[0].findings if not _settled(vex, finding.rule)]
        agrees = found == (case["runs"], results, results) and len(vex.statements) == case["statements"]
        tally.case(case["sarif"], agrees and len(left) == case["results_in_first_run_after_vex"], len(left))
    return tally


def _settled(vex: VexDocument, rule: str) -> bool:
    statement = deciding([vex], rule)
    return statement is not None and statement.status in SETTLED


@judge("05e_sarif/validate")
def sarif_validity() -> Tally:
    """The SDK's rules judge style; only what it cannot even read (JSON1002) is refused."""
    base = folder("05e_sarif", "validate")
    expected = load("05e_sarif", "validate", "expected_validator_results.json")
    tally = Tally(len(expected))
    for name, case in expected.items():
        data = (base / name).read_bytes()
        refused = refuses(ReportError, read_sarif, data)
        tally.case(name, refused == ("JSON1002" in case["rules"]) and detect(data) is Kind.SARIF)
    return tally
