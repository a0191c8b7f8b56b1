"""Test reports (JUnit, xUnit, NUnit 2 and 3, TRX) to one summary."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element  # nosec B405 - the type; parsing is defusedxml

from .errors import ReportError, check_size
from .values import clean, count, seconds
from .xml_tree import child, children, descendants, local, parse_xml

MAX_LISTED = 200
MAX_MESSAGE = 500


class Outcome(StrEnum):
    """What became of one test."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class FailingCase:
    """A test that failed or could not run."""

    outcome: Outcome
    suite: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class TestSummary:
    """Counts of one report; a test that was tried again and passed is passed and flaky."""

    # Not a test, whatever pytest thinks of the name.
    __test__ = False

    format: str
    total: int
    passed: int
    failed: int
    errored: int
    skipped: int
    flaky: int
    duration: float
    failing: tuple[FailingCase, ...]
    # Why the report does not tell the whole story: tests declared but not listed, a run that was aborted …
    problems: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Something ran, nothing failed, and nothing is missing."""
        return self.total > self.skipped and not (self.failed or self.errored or self.problems)


class _Tally:
    """Counts while a report is walked."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Outcome, 0)
        self.flaky = 0
        self.duration = 0.0
        self.failing: list[FailingCase] = []
        self.problems: list[str] = []

    def case(self, outcome: Outcome, suite: str, name: str, message: str = "") -> None:
        self.counts[outcome] += 1
        if outcome in (Outcome.FAILED, Outcome.ERRORED) and len(self.failing) < MAX_LISTED:
            self.failing.append(FailingCase(outcome, clean(suite), clean(name), clean(message, MAX_MESSAGE)))

    @property
    def bad(self) -> int:
        return self.counts[Outcome.FAILED] + self.counts[Outcome.ERRORED]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def summary(self, format: str) -> TestSummary:
        named = {outcome.value: number for outcome, number in self.counts.items()}
        return TestSummary(
            format=format,
            total=self.total,
            flaky=self.flaky,
            duration=round(self.duration, 6),
            failing=tuple(self.failing),
            problems=tuple(self.problems[:MAX_LISTED]),
            **named,
        )


def read_tests(data: bytes, limit: int | None = None) -> TestSummary:
    """Read a test report of any known format."""
    check_size(data, "test", limit)
    root = parse_xml(data)
    reader = _READERS.get(local(root))
    if reader is None:
        raise ReportError(
            "wrong_format", f"No test report begins with the element {clean(local(root), 80)!r}."
        )
    name, read = reader
    tally = _Tally()
    read(root, tally)
    return tally.summary(name)


# --- JUnit --------------------------------------------------------------------------------------------------

# The worst mark counts: a test may fail and then break while it is taken down.
_BY_MARK = {
    "error": Outcome.ERRORED,
    "failure": Outcome.FAILED,
    "skipped": Outcome.SKIPPED,
    "disabled": Outcome.SKIPPED,
}
_BY_STATUS = {
    "notrun": Outcome.SKIPPED,
    "disabled": Outcome.SKIPPED,
    "skipped": Outcome.SKIPPED,
    "suppressed": Outcome.SKIPPED,
    "failed": Outcome.FAILED,
    "failure": Outcome.FAILED,
    "error": Outcome.ERRORED,
}


def _junit(root: Element, tally: _Tally) -> None:
    outermost = [root] if local(root) == "testsuite" else children(root, "testsuite")
    for suite in outermost:
        declared = seconds(suite.get("time"))
        cases = descendants(suite, "testcase")
        tally.duration += (
            sum(seconds(case.get("time")) or 0 for case in cases) if declared is None else declared
        )
    for suite in root.iter():
        if local(suite) in ("testsuite", "testsuites"):
            _junit_suite(suite, tally)


def _junit_suite(suite: Element, tally: _Tally) -> None:
    name = suite.get("name") or ""
    cases = children(suite, "testcase")
    before, bad_before = tally.total, tally.bad
    for case in cases:
        _junit_case(case, name, tally)
    nested = child(suite, "testsuite") is not None
    if local(suite) == "testsuites" or nested:
        return
    if not cases:
        _junit_declared(suite, name, tally)
        return
    said, said_bad = count(suite.get("tests")), _sum(suite, "failures", "errors")
    if said is not None and said > tally.total - before:
        tally.problems.append(
            f"Suite {clean(name)!r} declares {said} tests and lists {tally.total - before}."
        )
    if said_bad > tally.bad - bad_before:
        listed = tally.bad - bad_before
        tally.problems.append(f"Suite {clean(name)!r} declares {said_bad} failing tests and lists {listed}.")


def _junit_case(case: Element, suite: str, tally: _Tally) -> None:
    marks = {local(item): item for item in reversed(list(case))}
    status = (case.get("status") or case.get("result") or "").lower()
    mark = next((name for name in _BY_MARK if name in marks), "")
    outcome = _BY_MARK[mark] if mark else _BY_STATUS.get(status, Outcome.PASSED)
    if outcome is Outcome.PASSED and {"flakyFailure", "flakyError"} & set(marks):
        tally.flaky += 1
    found = marks.get(mark)
    message = "" if found is None else found.get("message") or found.text or found.get("type") or ""
    tally.case(outcome, case.get("classname") or suite, case.get("name") or "", message)


def _junit_declared(suite: Element, name: str, tally: _Tally) -> None:
    """A suite that lists no test: only its own counts are left."""
    total = count(suite.get("tests"))
    if not total:
        return
    failed, errored = _sum(suite, "failures"), _sum(suite, "errors")
    skipped = _sum(suite, "skipped", "disabled", "ignored")
    if failed + errored + skipped > total:
        raise ReportError(
            "inconsistent", f"The counts of suite {clean(name)!r} add up to more than its tests."
        )
    named = ((Outcome.FAILED, failed), (Outcome.ERRORED, errored), (Outcome.SKIPPED, skipped))
    for outcome, number in (*named, (Outcome.PASSED, total - failed - errored - skipped)):
        tally.counts[outcome] += number
    tally.problems.append(f"Suite {clean(name)!r} declares {total} tests and lists none.")


def _sum(element: Element, *names: str) -> int:
    return sum(count(element.get(name)) or 0 for name in names)


# --- xUnit --------------------------------------------------------------------------------------------------

_XUNIT = {"Pass": Outcome.PASSED, "Fail": Outcome.FAILED, "Skip": Outcome.SKIPPED, "NotRun": Outcome.SKIPPED}


def _xunit(root: Element, tally: _Tally) -> None:
    assemblies = [root] if local(root) == "assembly" else children(root, "assembly")
    for assembly in assemblies:
        for test in descendants(assembly, "test"):
            tally.duration += seconds(test.get("time")) or 0
            outcome = _known(_XUNIT, test.get("result"), "result")
            tally.case(
                outcome, test.get("type") or "", test.get("name") or "", _message(child(test, "failure"))
            )
        for error in [item for box in children(assembly, "errors") for item in box]:
            tally.case(Outcome.ERRORED, assembly.get("name") or "", error.get("name") or "", _message(error))


# --- NUnit --------------------------------------------------------------------------------------------------

_NUNIT3 = {
    "Passed": Outcome.PASSED,
    "Failed": Outcome.FAILED,
    "Skipped": Outcome.SKIPPED,
    "Inconclusive": Outcome.SKIPPED,
    "Warning": Outcome.PASSED,
}
_NUNIT2 = {
    "Success": Outcome.PASSED,
    "Failure": Outcome.FAILED,
    "Error": Outcome.ERRORED,
    "Cancelled": Outcome.ERRORED,
    "NotRunnable": Outcome.ERRORED,
    "Ignored": Outcome.SKIPPED,
    "Skipped": Outcome.SKIPPED,
    "Inconclusive": Outcome.SKIPPED,
}


def _nunit3(root: Element, tally: _Tally) -> None:
    cases = descendants(root, "test-case")
    declared = seconds(root.get("duration"))
    tally.duration = (
        sum(seconds(case.get("duration")) or 0 for case in cases) if declared is None else declared
    )
    for case in cases:
        # Older engines write the site of a failure into the result: "Failed(Child)".
        result = (case.get("result") or "").partition("(")[0]
        outcome = _known(_NUNIT3, result, "result")
        name = case.get("fullname") or case.get("name") or ""
        tally.case(outcome, case.get("classname") or "", name, _message(child(case, "failure")))


def _nunit2(root: Element, tally: _Tally) -> None:
    for case in descendants(root, "test-case"):
        tally.duration += seconds(case.get("time")) or 0
        tally.case(_nunit2_outcome(case), "", case.get("name") or "", _message(child(case, "failure")))


def _nunit2_outcome(case: Element) -> Outcome:
    if case.get("result"):
        return _known(_NUNIT2, case.get("result"), "result")
    if (case.get("executed") or "").lower() == "false":
        return Outcome.SKIPPED
    # Oldest files have no result: only a plain "success" is one.
    return Outcome.PASSED if (case.get("success") or "").lower() == "true" else Outcome.FAILED


# --- TRX (Visual Studio) ------------------------------------------------------------------------------------

_TRX = {
    "Passed": Outcome.PASSED,
    "Completed": Outcome.PASSED,
    "Warning": Outcome.PASSED,
    "PassedButRunAborted": Outcome.PASSED,
    "Failed": Outcome.FAILED,
    "Error": Outcome.ERRORED,
    "Timeout": Outcome.ERRORED,
    "Aborted": Outcome.ERRORED,
    "Disconnected": Outcome.ERRORED,
    "InProgress": Outcome.ERRORED,
    "Pending": Outcome.SKIPPED,
    "NotExecuted": Outcome.SKIPPED,
    "NotRunnable": Outcome.SKIPPED,
    "Inconclusive": Outcome.SKIPPED,
}
_TRX_ENDED_BADLY = {"Error", "Timeout", "Aborted", "Disconnected", "InProgress", "PassedButRunAborted"}


def _trx(root: Element, tally: _Tally) -> None:
    names = {item.get("id"): _trx_class(item) for item in descendants(root, "UnitTest")}
    for result in [
        item for box in children(root, "Results") for item in box if local(item).endswith("Result")
    ]:
        tally.duration += seconds(result.get("duration")) or 0
        # A result without outcome is, by the schema, one that was never executed to an end.
        outcome = _known(_TRX, result.get("outcome") or "Error", "outcome")
        suite = names.get(result.get("testId"), "")
        error = next(iter(descendants(result, "ErrorInfo")), None)
        tally.case(outcome, suite, result.get("testName") or "", _message(error))
    summary = child(root, "ResultSummary")
    ended = summary.get("outcome") if summary is not None else None
    if ended in _TRX_ENDED_BADLY:
        tally.problems.append(f"The run itself ended with {ended}.")


def _trx_class(test: Element) -> str:
    method = child(test, "TestMethod")
    return (method.get("className") or "") if method is not None else ""


# --- shared -------------------------------------------------------------------------------------------------


def _known(table: dict[str, Outcome], value: str | None, what: str) -> Outcome:
    """An outcome we do not know must not be taken for a pass."""
    if value not in table:
        raise ReportError(
            "bad_value", f"A test has the {what} {clean(value, 80)!r}, which is not a known one."
        )
    return table[value]


def _message(element: Element | None) -> str:
    """Text of the first message element below, which formats call Message or message."""
    texts: Iterator[str | None] = iter(())
    if element is not None:
        texts = (item.text for item in element.iter() if local(item).lower() == "message")
    return next((text for text in texts if text), "")


_READERS: dict[str, tuple[str, Callable[[Element, _Tally], None]]] = {
    "testsuites": ("junit", _junit),
    "testsuite": ("junit", _junit),
    "assemblies": ("xunit", _xunit),
    "assembly": ("xunit", _xunit),
    "test-run": ("nunit", _nunit3),
    "test-suite": ("nunit", _nunit3),
    "test-results": ("nunit", _nunit2),
    "TestRun": ("trx", _trx),
}
