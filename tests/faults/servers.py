"""An installation of our own to break: PostgreSQL, Valkey and a Celery worker, each of which can be killed and brought back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.children import await_end, kill_session, spawn
from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.servers import (
    PostgresServer,
    ServerDidNotStart,
    ValkeyServer,
    start_postgres,
    start_valkey,
)
from tests.testbed import template

DATABASE = "faults"
# A commit that was acknowledged must outlive the server's processes; only a power cut is left out, as everywhere in tests.
OPTIONS = {"fsync": "off", "synchronous_commit": "on", "autovacuum": "off", "restart_after_crash": "off"}


class Installation:
    """Servers and a worker on a database with the whole cast; `environment` is what its processes read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o711)
        self.var = folder / "var"
        (self.var / "static").mkdir(parents=True)
        self._data = template.copy_of_cluster(folder / "postgres")
        self._postgres = self._start_postgres()
        template.create_copy(self._postgres.superuser_url, DATABASE)
        self._valkey_port = free_port()
        self._valkey = self._start_valkey()
        self._worker: subprocess.Popen[bytes] | None = None
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "releasetrain.settings",
            "DATABASE_URL": self._postgres.url(DATABASE, template.APPLICATION),
            "REDIS_URL": self._valkey.url(),
            "RELEASETRAIN_VAR": str(self.var),
            "SECRET_KEY": "for tests only, and as long as Django wants a key to be: 0123456789",
        }
        os.environ.pop("DATABASE_OWNER_URL", None)
        os.environ.update(self.environment)

    def _start_postgres(self) -> PostgresServer:
        return start_postgres(
            self._data,
            log_path=self.folder / "postgres.log",
            options=OPTIONS,
            socket_dir=self.folder / "socket",
        )

    def _start_valkey(self) -> ValkeyServer:
        # Not durable: a restart forgets every message, which is the worse of the two.
        return start_valkey(
            self.folder / "valkey",
            log_path=self.folder / "valkey.log",
            port=self._valkey_port,
            durable=False,
        )

    def break_database(self, *, outright: bool) -> None:
        """End the database without a checkpoint: SIGQUIT, or SIGKILL to the server and all that serve in it."""
        if outright:
            kill_session(self._postgres.process)
            self._postgres.process.wait()
        else:
            self._postgres.process.send_signal(signal.SIGQUIT)
            await_end(self._postgres.process, patience=20)

    def mend_database(self) -> None:
        """Bring it back; it recovers from its log."""
        deadline = time.monotonic() + 30
        while True:
            try:
                self._postgres = self._start_postgres()
                return
            except ServerDidNotStart:
                # Processes of the dead server hold its shared memory for a moment longer.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def break_broker(self) -> None:
        """Kill the broker; what was queued is gone."""
        kill_session(self._valkey.process)
        self._valkey.process.wait()

    def mend_broker(self) -> None:
        self._valkey = self._start_valkey()

    def start_worker(self) -> None:
        """Start a real worker; returns at once."""
        command = [
            *(sys.executable, "-m", "celery", "--app", "releasetrain.celery", "worker", "--loglevel", "INFO"),
            *("--concurrency", "2", "--without-mingle", "--without-gossip", "--without-heartbeat"),
        ]
        with (self.folder / "worker.log").open("ab") as log:
            self._worker = spawn(command, cwd=ROOT, environment={**os.environ}, output=log)

    def kill_worker(self) -> None:
        """SIGKILL to the worker and its children at once."""
        assert self._worker is not None
        kill_session(self._worker)
        self._worker.wait()

    def keep_worker(self) -> bool:
        """Start the worker again if it has ended by itself, as the restart policy of the containers does; true if it had.

        Celery's worker ends when the broker goes away while it acknowledges a message (`AttributeError: hostname`).
        """
        if self._worker is None or self._worker.poll() is None:
            return False
        self.start_worker()
        return True

    def kill_hand(self, which: int) -> bool:
        """SIGKILL to one of the worker's children; the worker starts another. False when none is there yet."""
        assert self._worker is not None
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self._worker.pid}/task/{self._worker.pid}/children").read_text().split()
            if children:
                os.kill(int(children[which % len(children)]), signal.SIGKILL)
                return True
        return False

    def superuser(self) -> psycopg2.extensions.connection:
        """A connection that no row-level security hides anything from."""
        return psycopg2.connect(self._postgres.url(DATABASE))

    def log(self) -> str:
        """The end of every log, for a failure."""
        parts = []
        for name in ("worker.log", "postgres.log", "valkey.log"):
            file = self.folder / name
            if file.exists():
                parts.append(f"--- {name}\n{file.read_text(errors='replace')[-3000:]}")
        return "\n".join(parts)

    def stop(self) -> None:
        if self._worker is not None:
            kill_session(self._worker)
            self._worker.wait()
        self._valkey.stop()
        self._postgres.stop()
