"""`make scorecard`: run the rows and write them into docs/security-scorecard.md; exit 1 when a row or a test failed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from releasetrain.embedded.fingerprint import ROOT

from . import commands, document
from .choosing import CHOSEN, RESULTS
from .commands import FAILED, HELD, IN_PART, NOT_RUN, Choices, Outcome
from .rows import ROWS, Row


def run_tests(rows: list[Row], jobs: str, whole: bool) -> tuple[dict[str, dict[str, Any]], bool]:
    """What came of each test of these rows, or of the whole suite, in one run; and whether none of all failed."""
    paths = sorted({path for row in rows for path in row.tests})
    gone = [path for path in paths if not (ROOT / path).exists()]
    if gone:
        sys.exit(f"The scorecard names tests that are not there: {', '.join(gone)}")
    # A folder takes what lies in it: named twice, a test would be collected once only, but slower.
    paths = [path for path in paths if not any(path.startswith(f"{other}/") for other in paths)]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        environment = os.environ | {
            RESULTS: str(results),
            CHOSEN: "" if whole else ",".join(str(row.number) for row in rows),
            "RELEASETRAIN_RACE_CHANGES": "200",
            "RELEASETRAIN_CONTRACT": "2",
        }
        # Our package names its settings when it is imported; tests choose their own.
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.scorecard.choosing",
            "-q",
            "-p",
            "no:cacheprovider",
        ]
        if jobs != "0":
            command += ["--numprocesses", jobs, "--dist", "worksteal"]
        run = subprocess.run(command if whole else [*command, *paths], cwd=ROOT, env=environment, check=False)
        found: dict[str, dict[str, Any]] = json.loads(results.read_text()) if results.exists() else {}
    return found, run.returncode == 0


def of_tests(row: Row, results: dict[str, dict[str, Any]]) -> Outcome:
    """Passed, failed and skipped tests of a row; without a passed one it was not run."""
    mine = {name: result for name, result in results.items() if row.takes(name)}
    counted = Counter(result["outcome"] for result in mine.values())
    summed: Counter[str] = Counter()
    for result in mine.values():
        summed.update(result["counted"])
    said = [", ".join(f"{number} {what}" for what, number in summed.items())] if summed else []
    said += [line for result in mine.values() if not result["counted"] for line in result["said"]]
    parts = [f"{counted['passed']} tests passed"]
    parts += [f"{counted[kind]} {kind}" for kind in ("failed", "skipped") if counted[kind]]
    parts += said[:2]
    if row.missing:
        parts.append(row.missing)
    if row.number == 25:
        there = [path for path in row.tests if any(name.startswith(path) for name in mine)]
        parts.append(f"{len(there)} of {len(row.tests)} machines")
    verdict = FAILED if counted["failed"] else HELD if counted["passed"] else NOT_RUN
    if verdict == NOT_RUN:
        return Outcome(NOT_RUN, "no test of it is there, or all were skipped")
    if verdict == HELD and (row.missing or (row.number == 25 and len(there) < len(row.tests))):
        verdict = IN_PART
    return Outcome(verdict, "; ".join(parts))


def main() -> int:
    options = argparse.ArgumentParser(prog="make scorecard", description=__doc__)
    options.add_argument(
        "--rows", default="", help="numbers of rows, e.g. 1,4,22; empty: all; the others stay as they were"
    )
    options.add_argument("--jobs", default="0", help="pytest processes; 0: one")
    options.add_argument("--whole", action="store_true", help="run all tests, not only those of the rows")
    options.add_argument("--from", dest="release", default="", help="release to upgrade from (row 23)")
    options.add_argument("--seconds", type=float, default=600, help="how long the load lasts (row 24)")
    options.add_argument("--pipelines", type=int, default=50)
    options.add_argument("--people", type=int, default=200)
    given = options.parse_args()
    numbers = {int(number) for number in given.rows.split(",") if number} or {row.number for row in ROWS}
    rows = [row for row in ROWS if row.number in numbers]
    choices = Choices(given.release, given.seconds, given.pipelines, given.people)
    outcomes: dict[int, Outcome] = {}
    tested = [row for row in rows if row.tests]
    results, passed = run_tests(tested, given.jobs, given.whole) if tested else ({}, True)
    for row in [*tested, *(row for row in rows if row.command)]:
        outcome = getattr(commands, row.command)(choices) if row.command else of_tests(row, results)
        outcomes[row.number] = outcome
        print(f"{row.number:>3}  {outcome.verdict:<13} {row.title}: {outcome.figure}", flush=True)
        # At once: what took long is not lost to what comes after it.
        document.enter(row, outcome)
    return 1 if not passed or any(outcome.verdict == FAILED for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
