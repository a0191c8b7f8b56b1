"""Checks of test and coverage reports."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from governance.models import Result
from governance.queries.results import last_released, standing_results
from trains.models import Artifact

from .context import CheckContext
from .parameters import count, counted, flag, percentage
from .per_artifact import judge_results
from .registry import Outcome, check, failed, passed


@check(
    "test-results",
    title="Test results",
    subject="artifact",
    parameters={
        "minimum_tests": count(
            "Least number of tests",
            1,
            "Fewer executed tests than this fail, so that an empty run never passes.",
        ),
        "pass_rate": percentage("Pass rate", 100, "Of the executed tests; skipped tests are not executed."),
    },
    words=lambda minimum_tests, pass_rate: (
        f"At least {counted(minimum_tests, 'test was', 'tests were')} executed and {pass_rate:g} % of them passed;"
        " every report is complete."
    ),
    dated=True,
)
def test_results(ctx: CheckContext, *, minimum_tests: int, pass_rate: float) -> Outcome:
    """The artifact's test reports: enough tests ran, and they passed. All reports of the artifact count together."""

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        sums = {
            name: sum(int(r.summary[name]) for r in results)
            for name in ("total", "passed", "failed", "errored", "skipped")
        }
        executed = sums["total"] - sums["skipped"]
        problems = [problem for r in results for problem in r.summary.get("problems", [])]
        found: dict[str, Any] = {
            "facts": {**sums, "problems": len(problems), "results": _digests(results)},
            "evidence": results,
            "as_of": min(r.as_of for r in results),
        }
        said = f"{sums['passed']} of {executed} tests passed for {artifact}"
        if problems:
            return failed(
                f"{said}, but a report is incomplete: {problems[0]}", "Post the whole report.", **found
            )
        if executed < minimum_tests or executed == 0:
            return failed(
                f"Only {counted(executed, 'test was', 'tests were')} executed for {artifact}; the gate wants {minimum_tests}.",
                "Run the whole suite.",
                **found,
            )
        if sums["passed"] * 100 < Decimal(str(pass_rate)) * executed:
            wrong = f"{sums['failed']} failed, {sums['errored']} could not run"
            return failed(
                f"{said}: {wrong}.{_first_failing(results)}",
                "Fix the failing tests and post the new report.",
                **found,
            )
        return passed(f"{said}.", **found)

    return judge_results(
        ctx, "tests", judge, missing="No test results", remedy="Post the test report for {digest}."
    )


@check(
    "coverage",
    title="Code coverage",
    subject="artifact",
    parameters={
        "minimum": percentage("Least line coverage", 80),
        "not_lower": flag(
            "Not lower than in production",
            True,
            "Compares with the build of the service that runs in production.",
        ),
        "tolerance": percentage("Tolerated drop in points", 0, "Only for the comparison with production."),
    },
    words=lambda minimum, not_lower, tolerance: (
        f"At least {minimum:g} % of the lines are covered"
        + (
            f", and not {'more than ' + format(tolerance, 'g') + ' points ' if tolerance else ''}fewer than in production."
            if not_lower
            else "."
        )
    ),
    dated=True,
)
def coverage(ctx: CheckContext, *, minimum: float, not_lower: bool, tolerance: float) -> Outcome:
    """Line coverage of the artifact, absolute and against what was last released. Missing data is never an improvement."""

    def judge(artifact: Artifact, results: list[Result]) -> Outcome:
        covered, total = line_counts(results)
        facts: dict[str, Any] = {"covered": covered, "total": total, "results": _digests(results)}
        found: dict[str, Any] = {"facts": facts, "evidence": results, "as_of": min(r.as_of for r in results)}
        if total == 0:
            return failed(
                f"The coverage report of {artifact} lists no lines.",
                "Post a report that covers the code.",
                **found,
            )
        percent = Decimal(100 * covered) / total
        if percent < Decimal(str(minimum)):
            return failed(
                f"{percent:.2f} % of the lines of {artifact} are covered; {minimum:g} % are required.",
                "Cover more lines.",
                **found,
            )
        said = f"{percent:.2f} % of the lines of {artifact} are covered"
        if not not_lower:
            return passed(f"{said}.", **found)
        return _against_production(ctx, artifact, said, percent, tolerance, found)

    return judge_results(
        ctx, "coverage", judge, missing="No coverage report", remedy="Post the coverage report for {digest}."
    )


def _against_production(
    ctx: CheckContext,
    artifact: Artifact,
    said: str,
    percent: Decimal,
    tolerance: float,
    found: dict[str, Any],
) -> Outcome:
    before = last_released(artifact, ctx.at)
    reports = standing_results([before], "coverage", until=ctx.at)[before.pk] if before else []
    covered, total = line_counts(reports)
    found["facts"]["production"] = {
        "artifact": before.digest if before else None,
        "covered": covered,
        "total": total,
    }
    if before is None or not total:
        why = "nothing of it runs in production yet" if before is None else f"{before} has no coverage report"
        return passed(f"{said}; no comparison: {why}.", **found)
    baseline = Decimal(100 * covered) / total
    if percent < baseline - Decimal(str(tolerance)):
        return failed(
            f"{said}, fewer than the {baseline:.2f} % of {before} in production.",
            "Cover at least as much as before.",
            **found,
        )
    return passed(f"{said}, not fewer than the {baseline:.2f} % in production.", **found)


def line_counts(results: list[Result]) -> tuple[int, int]:
    """Covered and coverable lines over several reports, by the lower of declared and recomputed counts."""
    return sum(int(r.summary["covered"]) for r in results), sum(int(r.summary["total"]) for r in results)


def _digests(results: list[Result]) -> list[str]:
    return sorted(r.digest for r in results)


def _first_failing(results: list[Result]) -> str:
    named = [case for r in results for case in r.summary.get("failing", [])]
    return f" First: {named[0]['suite']} {named[0]['name']}." if named else ""
