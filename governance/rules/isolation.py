"""Reading a report in a process of its own, with limits on time, processor and memory.

The child is a fresh interpreter: it has no connection, no secret in its environment and nothing of the web server's
memory. It sets its own limits before it reads the first byte, and answers in JSON. What it may not do in its limits
is the refusal of the report, never a fault of the server.

    python -m governance.rules.isolation KIND < report
"""

from __future__ import annotations

import base64
import os
import resource
import subprocess  # nosec B404 - a fixed command, no shell
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from .intake.errors import ReportError
from .reading import Reading, ReportedComponent, ReportedFinding

# Reports up to this size are read where they arrive: bounded in size and depth they cost a few milliseconds, and a
# process of its own costs a hundred times that (figures in ADR 10).
IN_PROCESS = 128 * 1024
SECONDS = 60
CPU_SECONDS = 45
MEMORY = 2 << 30
AT_ONCE = 2
WAIT_SECONDS = 30
FEED = "advisories"
_ROOT = Path(__file__).resolve().parents[2]
_places = threading.BoundedSemaphore(AT_ONCE)


class Busy(RuntimeError):
    """All places for large reports are taken."""


def read(content: bytes, meant: str = "") -> Reading:
    """The reading of a report; raises ReportError for one that is refused, Busy when too many are being read."""
    if len(content) <= IN_PROCESS:
        return read_here(content, meant)
    return read_apart(content, meant)


def read_here(content: bytes, meant: str = "") -> Reading:
    """In this process."""
    from .intake.detect import read_report
    from .reading import reading_of

    return reading_of(read_report(content, meant=meant))


def read_apart(content: bytes, meant: str = "", *, memory: int = MEMORY, seconds: float = SECONDS) -> Reading:
    """In a process of its own."""
    return _reading(_apart(content, meant, memory, seconds)["reading"])


def advisories(content: bytes) -> list[dict[str, Any]]:
    """The entries of a feed of vulnerabilities; a large one is read in a process of its own."""
    if len(content) <= IN_PROCESS:
        return _advisories_here(content)
    listed: list[dict[str, Any]] = _apart(content, FEED, MEMORY, SECONDS)[FEED]
    return listed


def _advisories_here(content: bytes) -> list[dict[str, Any]]:
    from .intake.advisories import read_advisories

    return [advisory.as_dict() for advisory in read_advisories(content)]


def _apart(content: bytes, meant: str, memory: int, seconds: float) -> dict[str, Any]:
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise Busy
    try:
        return _ask(content, meant, memory, seconds)
    finally:
        _places.release()


def _ask(content: bytes, meant: str, memory: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, meant or "-", str(memory)]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(  # nosec B603 - our own interpreter and module, nothing of the sender's
            command,
            input=content,
            capture_output=True,
            timeout=seconds,
            env=environment,
            cwd=_ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReportError("too_slow", f"Reading the report took longer than {seconds:g} seconds.") from error
    if done.returncode != 0:
        # Killed by its limits, or out of memory: what the report made the reader do is too much.
        raise ReportError("too_much", "Reading the report needs more time or memory than a report may take.")
    answer: dict[str, Any] = orjson.loads(done.stdout)
    if "code" in answer:
        raise ReportError(answer["code"], answer["sentence"], answer["line"])
    return answer


def _reading(answer: dict[str, Any]) -> Reading:
    for finding in answer["findings"]:
        finding["score"] = Decimal(finding["score"]) if finding["score"] is not None else None
        finding["aliases"] = tuple(finding["aliases"])
    redacted = answer["redacted"]
    return Reading(
        kind=answer["kind"],
        format=answer["format"],
        tools=tuple(answer["tools"]),
        summary=answer["summary"],
        findings=tuple(ReportedFinding(**finding) for finding in answer["findings"]),
        components=tuple(ReportedComponent(**component) for component in answer["components"]),
        redacted=base64.b64decode(redacted) if redacted is not None else None,
    )


def _said(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value)} has no form in JSON")


def main(arguments: list[str]) -> int:
    """Read a report from standard input and answer on standard output."""
    meant, memory = arguments[0].strip("-"), int(arguments[1])
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read()
    answer: dict[str, Any]
    try:
        feed = meant == FEED
        answer = {FEED: _advisories_here(content)} if feed else {"reading": read_here(content, meant)}
    except ReportError as error:
        answer = {"code": error.code, "sentence": error.sentence, "line": error.line}
    except MemoryError:
        return 3
    sys.stdout.buffer.write(orjson.dumps(answer, default=_said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
