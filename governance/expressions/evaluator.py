"""Asking the process that evaluates expressions: started when first needed, ended when it is late, replaced in time."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from releasetrain.kernel.canonical import canonical

from .document import NAMES

LONGEST = 2_000
LARGEST_DOCUMENT = 256 * 1024
# The child ends itself after its own second; this bounds the wait for one that hangs otherwise.
PATIENCE = 6.0
ASKED_AT_MOST = 200
_CHILD = Path(__file__).with_name("child.py")


class NoAnswer(Exception):
    """The expression has no answer, and why. It is an error, never a pass."""


class _Child:
    """One process, asked by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._asked = 0

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            try:
                found = self._exchange(json.dumps(request).encode() + b"\n")
            except BaseException:
                # Late, interrupted or broken: whatever it would still say belongs to no question.
                self.stop()
                raise
            self._asked += 1
            if found.get("spent") or self._asked >= ASKED_AT_MOST:
                self.stop()
            return found

    def _exchange(self, line: bytes) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        ends = time.monotonic() + PATIENCE
        said = b""
        try:
            process.stdin.write(line)
            process.stdin.flush()
            while not said.endswith(b"\n"):
                ready, _, _ = select.select([process.stdout], [], [], max(0.0, ends - time.monotonic()))
                more = os.read(process.stdout.fileno(), 65_536) if ready else b""
                if not more:
                    raise NoAnswer("It took too long or too much memory and was stopped.")
                said += more
        except OSError as error:
            raise NoAnswer("The process that evaluates expressions ended.") from error
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        # A worker that was forked from this one must not share the pipe.
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        self.stop()
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        self._owner, self._asked = os.getpid(), 0
        return self._process

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if self._owner == os.getpid():
            process.kill()
            process.wait()
        else:
            process.returncode = (
                0  # the child of the process that this one was forked from: only the pipes are ours
            )
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:  # what was not written yet is of no use to anybody
                continue


_child = _Child()
atexit.register(_child.stop)


def evaluate(source: str, document: dict[str, Any]) -> bool:
    """Whether the expression holds for the document; raises NoAnswer when that cannot be said."""
    if len(canonical(document)) > LARGEST_DOCUMENT:
        raise NoAnswer("The facts of this release are too large for an expression.")
    said = _ask({"source": source, "names": sorted(document), "document": document})
    value = said.get("value")
    if not isinstance(value, bool):
        raise NoAnswer("It gives neither true nor false.")
    return value


def number(source: str, document: dict[str, Any]) -> float:
    """The number that the expression gives for the document; raises NoAnswer when it gives none."""
    if len(canonical(document)) > LARGEST_DOCUMENT:
        raise NoAnswer("The facts are too large for an expression.")
    said = _ask({"source": source, "names": sorted(document), "document": document, "want": "number"})
    return float(said["value"])


def fault(source: str, names: Iterable[str] = NAMES) -> str | None:
    """What is wrong with an expression before it is ever asked, or None."""
    try:
        _ask({"source": source, "names": sorted(names)})
    except NoAnswer as why:
        return str(why)
    return None


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    if not request["source"].strip():
        raise NoAnswer("There is no expression.")
    if len(request["source"]) > LONGEST:
        raise NoAnswer(f"It is longer than {LONGEST} characters.")
    said = _child.ask(request)
    if not said.get("ok"):
        raise NoAnswer(str(said.get("sentence") or "It could not be evaluated."))
    return said
