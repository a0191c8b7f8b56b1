"""A small supervisor: it restarts nothing; when one member ends, all end, with that member's error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from .children import await_end, kill_session, spawn
from .postgres import last_lines

_LARGEST_LOG = 10 * 1024 * 1024
_COLOURS = (36, 33, 35, 32, 34)
_PATIENCE = 15.0


class StopRequested(Exception):
    """Ctrl-C, or a signal to stop."""


class MemberEnded(RuntimeError):
    """A member of the tree ended although nobody asked it to."""


@dataclass
class _Member:
    name: str
    process: subprocess.Popen[bytes]
    log_path: Path
    stop: Callable[[], None]
    reader: threading.Thread | None = None


class Tree:
    """The running processes, in the order they were started; they are stopped in the opposite order."""

    def __init__(self, logs: Path, cwd: Path) -> None:
        self._logs = logs
        self._cwd = cwd
        self._members: list[_Member] = []
        self._print = threading.Lock()
        self._stopping = False

    def __enter__(self) -> Tree:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_all()

    def log_path(self, name: str) -> Path:
        """Where a member writes; what has grown large becomes `<name>.log.1`."""
        path = self._logs / f"{name}.log"
        if path.exists() and path.stat().st_size > _LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        return path

    def adopt(self, name: str, process: subprocess.Popen[bytes], stop_it: Callable[[], None]) -> None:
        """Take in a server that is already running and writes its own log."""
        self._members.append(_Member(name, process, self._logs / f"{name}.log", stop_it))

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a member; its output is shown with its name before each line, and kept."""
        path = self.log_path(name)
        process = spawn(command, cwd=self._cwd, environment=environment, output=subprocess.PIPE)
        # All of ours are asked together, in _stop_all, so that they need not wait for each other.
        member = _Member(name, process, path, partial(await_end, process, patience=_PATIENCE))
        prefix = self._prefix(name, len(self._members))
        assert process.stdout is not None
        member.reader = threading.Thread(target=self._relay, args=(process.stdout, path, prefix), daemon=True)
        member.reader.start()
        self._members.append(member)

    def wait_for(self, ready: Callable[[], bool], what: str, patience: float = 120) -> None:
        """Return as soon as `ready()` holds; fail when a member ends before, or it takes too long."""
        deadline = time.monotonic() + patience
        while not ready():
            self._check()
            if time.monotonic() > deadline:
                raise MemberEnded(f"{what} was not ready after {patience:.0f} seconds; see {self._logs}/.")
            time.sleep(0.05)

    def watch(self) -> None:
        """Block until a member ends (MemberEnded) or somebody asks us to stop (StopRequested)."""
        while True:
            self._check()
            time.sleep(0.25)

    def _check(self) -> None:
        for member in self._members:
            code = member.process.poll()
            if code is not None:
                if member.reader:
                    member.reader.join(2)
                killed = f"was killed by {signal.Signals(-code).name}" if code < 0 else ""
                how = killed or f"ended with status {code}"
                raise MemberEnded(f"{member.name} {how}; its last words:\n{last_lines(member.log_path)}")

    def _stop_all(self) -> None:
        self._stopping = True
        own, adopted = ([m for m in self._members if bool(m.reader) is started] for started in (True, False))
        for member in own:
            if member.process.poll() is None:
                member.process.send_signal(signal.SIGTERM)
        for member in (*reversed(own), *reversed(adopted)):
            member.stop()
            if member.reader:
                member.reader.join(2)  # its last lines are told before ours

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            raise StopRequested(signal.Signals(number).name)
        # The second Ctrl-C: no more patience with our own processes; the servers still stop cleanly.
        if number == signal.SIGINT:
            for member in self._members:
                if member.reader:
                    kill_session(member.process)

    def _prefix(self, name: str, index: int) -> str:
        text = f"{name:<7} | "
        if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
            return text
        return f"\x1b[{_COLOURS[index % len(_COLOURS)]}m{text}\x1b[0m"

    def _relay(self, stream: IO[bytes], path: Path, prefix: str) -> None:
        echo = True
        with stream, path.open("ab", buffering=0) as log:
            for line in stream:
                log.write(line)
                if echo:
                    try:
                        with self._print:
                            sys.stdout.write(prefix + line.decode(errors="replace").rstrip("\n") + "\n")
                            sys.stdout.flush()
                    except (BrokenPipeError, ValueError):
                        echo = False  # whoever read our output is gone; the log goes on
