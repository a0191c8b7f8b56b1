"""Fixtures for real processes on a committed database: the web server and a worker that can be killed."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.children import kill_session, spawn, stop
from releasetrain.embedded.fingerprint import ROOT

from . import static
from .databases import Database


@dataclass
class Process:
    """A process of the product that a test starts, stops, or kills as a power cut would."""

    command: Sequence[str]
    environment: dict[str, str]
    log_path: Path
    is_ready: Callable[[Process], bool]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    def start(self, patience: float = 110) -> None:
        """Start it and return when it is at work."""
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self._process = spawn(self.command, cwd=ROOT, environment=self.environment, output=log)
        deadline = time.monotonic() + patience
        while not self.is_ready(self):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"{' '.join(self.command)} did not start:\n{self.log()[-4000:]}", pytrace=False)
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not help."""
        if self._process is not None:
            stop(self._process, with_signal=signal.SIGTERM, patience=15)
            kill_session(self._process)

    def kill(self) -> None:
        """SIGKILL to the process and all its children at once."""
        if self._process is not None:
            kill_session(self._process)
            self._process.wait()

    def log(self) -> str:
        """What it wrote since its last start."""
        return self.log_path.read_bytes()[self._log_start :].decode(errors="replace")


@dataclass
class LiveApp:
    """The product behind its real web server."""

    url: str
    database: Database
    process: Process


@pytest.fixture
def celery_worker(committed_db: Database, tmp_path: Path) -> Iterator[Process]:
    """A real worker (one child process) on committed_db; `.kill()` is kill -9, `.start()` brings it back."""
    command = [
        *(sys.executable, "-m", "celery", "--app", "releasetrain.celery", "worker", "--loglevel", "INFO"),
        *("--concurrency", "1", "--without-mingle", "--without-gossip", "--without-heartbeat"),
    ]
    worker = Process(
        command,
        committed_db.environment(),
        tmp_path / "worker.log",
        lambda process: " ready." in process.log(),
    )
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def live_app(committed_db: Database, tmp_path: Path) -> Iterator[LiveApp]:
    """The product served by Granian on committed_db, with hashed static files as in an installation."""
    static.provide(committed_db.run.var / "static")
    port = free_port()
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "1"),
        *("--blocking-threads", "4", "--port", str(port), "releasetrain.wsgi:application"),
    ]
    process = Process(command, committed_db.environment(), tmp_path / "web.log", lambda _: _answers(port))
    process.start()
    yield LiveApp(f"http://localhost:{port}", committed_db, process)
    process.stop()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("HEAD", "/", headers={"Host": "localhost"})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
