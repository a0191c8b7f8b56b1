"""`make scorecard`: run all rows and write docs/security-scorecard.md; exit 1 when a row failed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from releasetrain.embedded.fingerprint import ROOT

from . import commands
from .choosing import CHOSEN, RESULTS
from .commands import FAILED, HELD, IN_PART, NOT_RUN, Choices, Outcome
from .rows import ROWS, Row

TARGET = ROOT / "docs" / "security-scorecard.md"


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


def write(outcomes: dict[int, Outcome], notes: str) -> None:
    counted = Counter(outcome.verdict for outcome in outcomes.values())
    lines = [
        "# Security scorecard",
        "",
        "Written by `make scorecard`; each row is run, none is filled in by hand. *Held in part*: what was run held, and less was",
        "run than the row asks for. *Not run*: it could not be, and the figure says why.",
        "",
        f"- Run: {datetime.now(UTC):%d %B %Y, %H:%M} UTC, version {_version()}",
        f"- Machine: {os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        *([f"- {notes}"] if notes else []),
        "- " + ", ".join(f"{number} {verdict.strip('*')}" for verdict, number in counted.most_common()),
        "",
        "| | row | | figure |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        outcome = outcomes.get(row.number, Outcome(NOT_RUN, "left out of this run"))
        lines.append(
            f"| {row.number} | {row.title} | {outcome.verdict} | {outcome.figure.replace('|', '/')} |"
        )
    TARGET.write_text("\n".join(lines) + "\n")


def _version() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--tags"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def main() -> int:
    options = argparse.ArgumentParser(prog="make scorecard", description=__doc__)
    options.add_argument("--rows", default="", help="numbers of rows, e.g. 1,4,22; empty: all")
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
    for row in rows:
        outcome = getattr(commands, row.command)(choices) if row.command else of_tests(row, results)
        outcomes[row.number] = outcome
        print(f"{row.number:>3}  {outcome.verdict:<13} {row.title}: {outcome.figure}", flush=True)
    write(outcomes, "" if len(rows) == len(ROWS) else f"Only rows {given.rows} were run.")
    return 1 if not passed or any(outcome.verdict == FAILED for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
