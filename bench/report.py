"""The figures as a table on the screen and as docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.postgres import programs

from .figures import Figure, Observation, Result

FILE = ROOT / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Written by `make bench` (`python -m bench`), which starts a PostgreSQL and a Valkey of its own with the settings of
`make run` (fsync on), loads the demo, measures, and removes everything. Each figure stands beside a yardstick of the
same run, because ratios travel between machines and absolute figures do not. Tests time nothing.

"""


def lines(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """Each result as the cells of one row."""
    found: list[tuple[str, ...]] = []
    for each in results:
        if isinstance(each, Figure):
            budget = f"{each.direction} {each.budget:.2f}"
            held = "held" if each.held else "**missed**"
            found.append((each.what, each.measured, each.yardstick, f"{each.ratio:.2f}", budget, held))
        else:
            found.append((each.what, each.measured, "", "", "", ""))
    return found


def show(title: str, results: list[Result]) -> None:
    print(f"\n{title}")
    for cells in lines(results):
        print("  " + " | ".join(cell for cell in cells if cell))
    for note in _notes(results):
        print(f"    {note}")


def write(measured: list[tuple[str, list[Result]]], busy: str, path: Path = FILE) -> None:
    """The page that the repository keeps."""
    text = [
        _HEAD,
        *(f"- {fact}\n" for fact in (f"Measured: {datetime.now(UTC):%d %B %Y, %H:%M} UTC", *machine(), busy)),
    ]
    for title, results in measured:
        text.append(f"\n## {title}\n\n")
        text.append("| what | measured | yardstick | ratio | budget | |\n|---|---|---|---|---|---|\n")
        text += [f"| {' | '.join(cells)} |\n" for cells in lines(results)]
        notes = _notes(results)
        if notes:
            text.append("\n" + "\n".join(notes) + "\n")
    path.write_text("".join(text))


def _notes(results: list[Result]) -> list[str]:
    notes = []
    for each in results:
        if each.note:
            notes.append(f"{each.what}: {each.note}" if isinstance(each, Observation) else each.note)
    return notes


def machine() -> list[str]:
    """What it was measured on."""
    postgres = subprocess.run(
        [str(programs() / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    return [
        f"Machine: {_processor()}, {os.cpu_count()} processors, {_memory()}, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, {postgres.strip()}",
    ]


def load_average() -> str:
    """How busy the machine was with other things when measuring began."""
    return f"Load average before measuring: {os.getloadavg()[0]:.1f}"


def _processor() -> str:
    try:
        named = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        return named[0].split(":", 1)[1].strip()
    except (OSError, IndexError):
        return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB memory"
