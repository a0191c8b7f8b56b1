"""docs/security-scorecard.md: each row with its verdict, its figure, and when and of what version it was run."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from releasetrain.embedded.fingerprint import ROOT

from .commands import NOT_RUN, Outcome
from .rows import ROWS, Row

TARGET = ROOT / "docs" / "security-scorecard.md"
HEAD = """# Security scorecard

Written by `make scorecard`; each row is run, none is filled in by hand. *Held in part*: what was run held, and less was run than the
row asks for. *Not run*: it could not be, and the figure says why.
"""
_ROW = re.compile(r"^\| (\d+) \| .* \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)


def enter(row: Row, outcome: Outcome, target: Path = TARGET) -> None:
    """Write what came of one row; the other rows stay as they were."""
    told = {int(n): (verdict, figure, run) for n, verdict, figure, run in _ROW.findall(_text(target))}
    told[row.number] = (
        outcome.verdict,
        outcome.figure.replace("|", "/").replace("\n", " "),
        f"{datetime.now(UTC):%d %b %Y, %H:%M} UTC, {_version()}",
    )
    never = (NOT_RUN, "not run yet", "")
    counted = Counter(told.get(each.number, never)[0].strip("*") for each in ROWS)
    lines = [
        HEAD,
        f"- Machine: {os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "- " + ", ".join(f"{number} {verdict}" for verdict, number in counted.most_common()),
        "",
        "| | row | | figure | run |",
        "|---|---|---|---|---|",
        *(f"| {each.number} | {each.title} | {' | '.join(told.get(each.number, never))} |" for each in ROWS),
    ]
    target.write_text("\n".join(lines) + "\n")


def _text(target: Path) -> str:
    return target.read_text() if target.exists() else ""


def _version() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--tags"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "of no version"
