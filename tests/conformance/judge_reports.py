"""Judges of folders 05c and 05d: test and coverage reports."""

import math
from decimal import Decimal
from typing import Any

from governance.rules.intake.coverage import CoverageSummary, Ratio, read_coverage
from governance.rules.intake.errors import ReportError
from governance.rules.intake.tests import TestSummary, read_tests

from .vectors import Tally, folder, judge, load

ENTITIES = "declares an entity on the network; we refuse the file, the publisher ignores the entity"
COMMA = 'times like "0,288" have a decimal comma; the publisher reads it as thousands'
ABORTED = "a test that was aborted is an error for us and a skipped test for the publisher"

TEST_DIFFERENCES = {
    "junit-xml/junit.multiresult.xml": (
        "the publisher counts each mark of a test as a run of its own (and -2 passed); we count tests"
    ),
    "nunit/nunit3/jenkins/NUnit-sec1752-https.xml": ENTITIES,
    "xunit/mstest/jenkinsci/testcase3.xml": COMMA,
    "trx/yami_YAMILEX_2015-10-24_04_18_59.trx": ABORTED,
}
COVERAGE_DIFFERENCES = {
    "CoberturaParserTest::shouldMergeCorrectly 5": (
        "the figure of two reports merged by the plugin; we read one report at a time"
    ),
    "LcovParserTest::shouldCreateCoverages 0": (
        "the plugin takes a line with 0 hits as covered when a branch of it was taken; we go by hits"
    ),
}


@judge("05c_test_results/enricomi")
def test_reports() -> Tally:
    base = folder("05c_test_results", "enricomi")
    cases = load("05c_test_results", "enricomi", "expected_stats.json")
    tally = Tally(len(cases), known=TEST_DIFFERENCES)
    for name, case in cases.items():
        refused = "stats" not in case or bool(case["stats"]["errors"])
        try:
            summary = read_tests((base / name).read_bytes())
        except ReportError as error:
            tally.case(name, refused, error)
            continue
        tally.case(name, not refused and _same(summary, case["stats"]), summary)
    return tally


def _same(summary: TestSummary, stats: dict[str, Any]) -> bool:
    ours = (summary.total, summary.passed, summary.failed, summary.errored, summary.skipped)
    theirs = tuple(stats[f"runs{part}"] for part in ("", "_succ", "_fail", "_error", "_skip"))
    return ours == theirs and math.floor(summary.duration) == stats["duration"]


@judge("05d_coverage/jenkins tests")
def jenkins_tests() -> Tally:
    base = folder("05d_coverage", "jenkins", "junit")
    cases = {name: case for name, case in _expected().items() if name.startswith("JunitParserTest")}
    tally = Tally(len(cases))
    for name, case in cases.items():
        summary = read_tests((base / case["files"][0]).read_bytes())
        _, passed, total = case["rates"][0]
        tally.case(name, (summary.passed, summary.total) == (int(passed), int(total)), summary)
    return tally


def _expected() -> dict[str, Any]:
    expected: dict[str, Any] = load("05d_coverage", "jenkins", "expected.json")
    return expected


@judge("05d_coverage/jenkins recomputed")
def jenkins_recomputed() -> Tally:
    """Line and branch counts asserted by the plugin's own tests, where a case gives any."""
    base = folder("05d_coverage", "jenkins")
    cases = {}
    for name, case in _expected().items():
        if name.startswith("JunitParserTest"):
            continue
        rows = [row for row in case["coverage"] if row["metric"] in ("LINE", "BRANCH")]
        for number, row in enumerate(rows):
            cases[f"{name} {number}"] = (case["files"], row)
    tally = Tally(len(cases), known=COVERAGE_DIFFERENCES)
    for name, (files, row) in cases.items():
        summaries = [read_coverage(next(base.glob(f"*/{file}")).read_bytes()) for file in files]
        found = [_ratio(summary, row["metric"]) for summary in summaries]
        wanted = Ratio(row["covered"], row.get("total", row["covered"] + row.get("missed", 0)))
        tally.case(name, wanted in found, found)
    return tally


def _ratio(summary: CoverageSummary, metric: str) -> Ratio | None:
    return summary.lines if metric == "LINE" else summary.branches


@judge("05d_coverage/jenkins declared")
def jenkins_declared() -> Tally:
    """What each file declares about itself."""
    base = folder("05d_coverage", "jenkins")
    cases = load("05d_coverage", "jenkins", "totals_declared_in_file.json")
    tally = Tally(len(cases))
    for name, case in cases.items():
        summary = read_coverage((base / name).read_bytes())
        lines, branches = _declared(name.partition("/")[0], case)
        found = (summary.declared_lines, summary.declared_branches)
        tally.case(name, found == (lines, branches) and _rate(summary, case), found)
    return tally


def _declared(kind: str, case: dict[str, Any]) -> tuple[Ratio | None, Ratio | None]:
    if kind == "jacoco":
        rows = [case.get(name) for name in ("LINE", "BRANCH")]
        lines, branches = (
            Ratio(row["covered"], row["covered"] + row["missed"]) if row else None for row in rows
        )
        return lines, branches
    names = {
        "cobertura": ("lines-covered", "lines-valid", "branches-covered", "branches-valid"),
        "clover": ("coveredstatements", "statements", "coveredconditionals", "conditionals"),
    }[kind]
    covered, total, covered_branches, total_branches = (int(case[name]) for name in names)
    return Ratio(covered, total), Ratio(covered_branches, total_branches)


def _rate(summary: CoverageSummary, case: dict[str, Any]) -> bool:
    """The declared rate, where there is one, is the declared quotient (some files print 0)."""
    rate = Decimal(case.get("line-rate", "0"))
    declared = summary.declared_lines
    return (
        not rate
        or declared is None
        or abs(Decimal(declared.covered) / declared.total - rate) < Decimal("0.001")
    )
