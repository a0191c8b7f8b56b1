"""What reports mean: missing data is never a pass, and a failed scan is never a clean one."""

import json
from decimal import Decimal
from typing import Any

import pytest

from governance.rules.intake.coverage import Ratio, read_coverage
from governance.rules.intake.cyclonedx import Analysis, BillOfMaterials, read_cyclonedx
from governance.rules.intake.openvex import VexDocument, VexStatus, deciding, read_openvex
from governance.rules.intake.sarif import ScanReport, read_sarif
from governance.rules.intake.severity import Severity
from governance.rules.intake.tests import Outcome, read_tests


def junit(inner: str, attributes: str = "") -> Any:
    return read_tests(f'<testsuite name="s" {attributes}>{inner}</testsuite>'.encode())


def test_nested_suites_are_counted_once() -> None:
    summary = junit('<testsuite><testcase name="a"/><testsuite><testcase name="b"/></testsuite></testsuite>')
    assert (summary.total, summary.passed) == (2, 2)


def test_a_test_that_passed_on_a_second_try_is_flaky() -> None:
    summary = junit('<testcase name="a"><flakyFailure message="x"/></testcase>')
    assert (summary.passed, summary.flaky, summary.clean) == (1, 1, True)


@pytest.mark.parametrize(
    ("inner", "attributes"),
    [
        ("", ""),
        ("", 'tests="5"'),
        ('<testcase name="a"/>', 'tests="5"'),
        ('<testcase name="a"/>', 'tests="1" failures="1"'),
        ('<testcase name="a"><skipped/></testcase>', ""),
        ('<testcase name="a" status="failed"/>', ""),
        ('<testcase name="a"><skipped/><error/></testcase>', ""),
    ],
)
def test_nothing_run_or_something_missing_is_not_clean(inner: str, attributes: str) -> None:
    assert not junit(inner, attributes).clean


def test_failing_tests_are_listed_with_their_message() -> None:
    case = junit('<testcase name="a" classname="c"><failure message="no"/></testcase>').failing[0]
    assert (case.outcome, case.suite, case.name, case.message) == (Outcome.FAILED, "c", "a", "no")
    assert len(junit('<testcase name="a"><failure/></testcase>' * 300).failing) == 200


def test_a_run_that_was_aborted_is_a_problem() -> None:
    passed = b'<UnitTestResult testName="a" outcome="Passed" duration="00:01:01.5"/>'
    data = b"<TestRun><Results>" + passed + b"</Results>%s</TestRun>"
    assert read_tests(data % b"").clean
    summary = read_tests(data % b'<ResultSummary outcome="Aborted"/>')
    assert (summary.passed, summary.duration, summary.clean) == (1, 61.5, False)


def test_a_list_cut_short_does_not_improve_coverage() -> None:
    data = b"SF:a\nDA:1,1\nDA:2,0\nLF:%d\nLH:1\nend_of_record\n"
    summary = read_coverage(data % 10)
    assert (summary.lines, summary.declared_lines, summary.agrees) == (Ratio(1, 2), Ratio(1, 10), False)
    assert summary.judged == Ratio(1, 10)
    assert read_coverage(data % 2).agrees


def test_files_listed_twice_are_merged() -> None:
    summary = read_coverage(b"SF:a\nDA:1,0\nDA:2,1\nend_of_record\nSF:a\nDA:1,3\nend_of_record\n")
    assert (summary.lines, summary.files, summary.basis) == (Ratio(2, 2), 1, "recomputed")


def test_percent_is_rounded_down() -> None:
    assert Ratio(79_999, 100_000).percent == Decimal("79.99")
    assert Ratio(0, 0).percent is None


def sarif(result: dict[str, Any] | None = None, run: dict[str, Any] | None = None, **rule: Any) -> ScanReport:
    base = {"ruleId": "R1", "message": {"text": "m"}}
    rules = [{"id": "R1", **rule}]
    whole = {
        "tool": {"driver": {"name": "t", "rules": rules}},
        "results": [] if result is None else [base | result],
    }
    body = {
        "version": "2.1.0",
        "runs": [{key: value for key, value in (whole | (run or {})).items() if value != "absent"}],
    }
    return read_sarif(json.dumps(body).encode())


@pytest.mark.parametrize(
    "run",
    [
        {"invocations": [{"executionSuccessful": False}]},
        {"results": "absent"},
        {"results": None},
        {"results": "absent", "externalPropertyFileReferences": {"results": [{"location": {"uri": "x"}}]}},
    ],
)
def test_a_scan_that_failed_or_has_no_results_is_not_clean(run: dict[str, Any]) -> None:
    assert not sarif(run=run).clean
    assert sarif(run=run).runs[0].problems


def test_an_empty_list_of_results_is_a_clean_scan_and_no_run_is_none() -> None:
    assert sarif(run={"invocations": [{"executionSuccessful": True}]}).clean
    assert not read_sarif(b'{"version": "2.1.0", "runs": []}').clean


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({}, {}, Severity.MEDIUM),
        ({"level": "error"}, {}, Severity.HIGH),
        ({}, {"defaultConfiguration": {"level": "note"}}, Severity.LOW),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, Severity.CRITICAL),
        (
            {"properties": {"security-severity": "4.0"}},
            {"properties": {"security-severity": "9.8"}},
            Severity.MEDIUM,
        ),
        ({"level": "error"}, {"properties": {"security-severity": "much"}}, Severity.HIGH),
        ({}, {"properties": {"security-severity": 0}}, Severity.INFO),
    ],
)
def test_severity_comes_from_the_score_and_then_from_the_level(
    result: dict[str, Any], rule: dict[str, Any], severity: Severity
) -> None:
    assert sarif(result, **rule).findings[0].severity is severity


@pytest.mark.parametrize(
    ("states", "suppressed"),
    [
        ([], False),
        ([None], True),
        (["accepted"], True),
        (["accepted", "rejected"], False),
        (["underReview"], False),
    ],
)
def test_only_an_accepted_suppression_counts(states: list[str | None], suppressed: bool) -> None:
    rows = [
        {"kind": "external", "justification": "why"} | ({"status": state} if state else {})
        for state in states
    ]
    report = sarif({"suppressions": rows})
    assert report.findings[0].suppressed is suppressed
    assert report.clean is suppressed


def test_results_that_say_all_is_well_are_no_findings() -> None:
    for result in ({"kind": "pass"}, {"kind": "notApplicable"}, {"baselineState": "absent"}):
        assert not sarif(result).findings
    assert sarif({"kind": "review"}).findings


def test_a_fingerprint_survives_a_moved_line_and_tells_rules_files_and_tools_apart() -> None:
    def print_of(line: int, path: str = "a.py", **result: Any) -> str:
        place = {"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}
        return sarif({"locations": [place], **result}).findings[0].fingerprint

    offered = {"partialFingerprints": {"primaryLocationLineHash": "abc:1"}}
    assert print_of(1, **offered) == print_of(99, **offered)
    assert print_of(1) != print_of(99)
    assert (
        len({print_of(1, **offered), print_of(1, "b.py", **offered), print_of(1, ruleId="R2", **offered)})
        == 3
    )


def test_a_rule_is_found_in_an_extension_and_by_its_parent() -> None:
    tool = {
        "driver": {"name": "t", "rules": [{"id": "A", "name": "Parent"}]},
        "extensions": [{"name": "e", "rules": [{"id": "X", "name": "Other"}]}],
    }
    by_index = {"rule": {"index": 0, "toolComponent": {"index": 0}}}
    assert sarif(by_index | {"ruleId": None}, {"tool": tool}).findings[0].rule_name == "Other"
    assert sarif({"ruleId": "A/1/2"}, {"tool": tool}).findings[0].rule_name == "Parent"


def bom(**parts: Any) -> BillOfMaterials:
    return read_cyclonedx(
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, **parts}).encode()
    )


def test_components_inside_components_are_found_with_their_licences() -> None:
    inner = {"type": "library", "name": "b", "licenses": [{"expression": "MIT OR Apache-2.0"}]}
    outer = {
        "type": "application",
        "name": "a",
        "components": [inner],
        "licenses": [{"license": {"name": "Own"}}],
    }
    found = [(item.name, item.licences) for item in bom(components=[outer]).components]
    assert found == [("a", ("Own",)), ("b", ("MIT OR Apache-2.0",))]


def test_the_worst_rating_counts_and_affected_components_are_named() -> None:
    document = bom(
        components=[{"type": "library", "name": "b", "bom-ref": "1", "purl": "pkg:npm/b@1"}],
        vulnerabilities=[
            {
                "id": "CVE-1",
                "ratings": [
                    {"severity": "low"},
                    {"score": 7.5, "method": "CVSSv31"},
                    {"severity": "unknown"},
                ],
                "affects": [{"ref": "1"}],
                "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
            },
            {"id": "CVE-2", "analysis": {"state": "in_triage"}},
        ],
    )
    first, second = document.vulnerabilities
    assert (first.severity, first.score, first.affects) == (Severity.HIGH, Decimal("7.5"), ("pkg:npm/b@1",))
    assert (first.analysis, first.settled, second.settled, second.severity) == (
        Analysis.NOT_AFFECTED,
        True,
        False,
        None,
    )


def vex(*statements: dict[str, Any]) -> VexDocument:
    base = {"vulnerability": {"name": "CVE-2025-1", "aliases": ["GHSA-1"]}, "status": "fixed"}
    rows = [base | row for row in statements]
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "a", "timestamp": "2025-03-01T10:00:00Z"}
    return read_openvex(json.dumps(head | {"statements": rows}).encode())


def test_the_latest_vex_statement_decides() -> None:
    later = {"status": "affected", "timestamp": "2025-03-02T00:00:00+02:00"}
    for document in (vex({}, later), vex(later, {})):
        decided = deciding([document], "CVE-2025-1")
        assert decided is not None
        assert decided.status is VexStatus.AFFECTED


def test_a_vex_statement_is_about_its_names_and_products_only() -> None:
    document = vex({"products": [{"@id": "pkg:oci/a", "identifiers": {"purl": "pkg:oci/a@1"}}]})
    assert all(deciding([document], rule) for rule in ("CVE-2025-1", "GHSA-1", "CVE-2025-1-libc6"))
    assert not deciding([document], "CVE-2025-11")
    assert deciding([document], "GHSA-1", "pkg:oci/a@1")
    assert not deciding([document], "GHSA-1", "pkg:oci/b")
