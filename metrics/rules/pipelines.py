"""Runs of pipeline stages: how often they fail and why, how long they take, and how many failures are flaky."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from metrics.rules.rates import Share, share

LEAST_RUNS = 20


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a stage for a commit."""

    stage: str
    commit: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Flakiness:
    """A failure is flaky if the same stage passed for the same commit as well: nothing had changed but luck."""

    failures: int
    flaky: int
    share: Share
    groups: int


@dataclass(frozen=True, slots=True)
class Health:
    """Whether pipelines are steady enough, for a check or a question of readiness. Too few runs never pass."""

    verdict: str
    reason: str
    failure: Share
    flaky: Share


def flakiness(attempts: Iterable[Attempt]) -> Flakiness:
    """Flaky failures among all failures; cancelled runs and runs without a commit tell nothing."""
    seen: dict[tuple[str, str], list[str]] = {}
    failures = 0
    for each in attempts:
        if each.outcome == Outcome.CANCELLED:
            continue
        failures += each.outcome == Outcome.FAILED
        if each.commit:
            seen.setdefault((each.stage, each.commit), []).append(each.outcome)
    mixed = [kinds for kinds in seen.values() if Outcome.PASSED in kinds and Outcome.FAILED in kinds]
    flaky = sum(kinds.count(Outcome.FAILED) for kinds in mixed)
    return Flakiness(failures, flaky, share(flaky, failures, "failures"), len(mixed))


def health(
    runs: int,
    failures: int,
    flaky: int,
    *,
    most_failing: float,
    most_flaky: float,
    least_runs: int = LEAST_RUNS,
) -> Health:
    """Judged by the shares themselves, once there are enough runs; limits in percent."""
    failure, unsteady = share(failures, runs, "runs"), share(flaky, runs, "runs")
    if runs < least_runs or runs == 0:
        said = f"{runs} runs are on record; {least_runs} are needed to judge."
        return Health("pending", said, failure, unsteady)
    said = f"{failures} of {runs} runs failed ({failures / runs:.1%}), {flaky} of them flaky ({flaky / runs:.1%} of all runs)"
    over = []
    if failures * 100 > most_failing * runs:
        over.append(f"at most {most_failing:g} % may fail")
    if flaky * 100 > most_flaky * runs:
        over.append(f"at most {most_flaky:g} % may be flaky")
    if over:
        return Health("fail", f"{said}; {' and '.join(over)}.", failure, unsteady)
    return Health("pass", f"{said}.", failure, unsteady)
