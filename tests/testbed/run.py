"""One invocation of pytest: its own servers, shared by its xdist workers and by nobody else."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.servers import (
    UNSAFE_BUT_FAST,
    PostgresServer,
    ValkeyServer,
    start_postgres,
    start_valkey,
)

from . import template

_RUN_DIR = "RELEASETRAIN_TEST_RUN"
_PREFIX = "releasetrain-test-"


class TestRun:
    """Addresses are chosen before Django reads its settings; the servers behind them start when needed."""

    __test__ = False

    def __init__(self) -> None:
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.controls_servers = self.worker == "main"
        if self.controls_servers:
            _remove_leftovers()
            os.environ[_RUN_DIR] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
            os.environ["RELEASETRAIN_TEST_VALKEY_PORT"] = str(free_port())
        self.folder = Path(os.environ[_RUN_DIR])
        self.folder.chmod(0o711)  # PostgreSQL's account walks through; nobody looks inside
        self.socket_dir = self.folder / "socket"
        self.valkey_port = int(os.environ["RELEASETRAIN_TEST_VALKEY_PORT"])
        self.var = self.folder / f"var-{self.worker}"
        self._failure = self.folder / "failure"
        self._postgres: PostgresServer | None = None
        self._valkey: ValkeyServer | None = None

    @property
    def database(self) -> str:
        """The database of this process, rolled back after each test."""
        return f"tests_{self.worker}"

    @property
    def redis_url(self) -> str:
        """Each process has a numbered database of its own."""
        number = 0 if self.worker == "main" else int(self.worker.removeprefix("gw")) + 1
        return f"redis://127.0.0.1:{self.valkey_port}/{number}"

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={self.socket_dir}"

    def environment(self) -> dict[str, str]:
        """What the settings read: the application's role, and nothing that knows the owner."""
        return {
            "DJANGO_SETTINGS_MODULE": "releasetrain.settings",
            "DATABASE_URL": self.url(template.APPLICATION, self.database),
            "REDIS_URL": self.redis_url,
            "RELEASETRAIN_VAR": str(self.var),
            "SECRET_KEY": "for tests only, and as long as Django wants a key to be: 0123456789",
        }

    def prepare(self) -> None:
        """Set the environment; before this, nothing may have loaded Django's settings."""
        os.environ.pop("DATABASE_OWNER_URL", None)
        os.environ.update(self.environment())
        (self.var / "static").mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start the servers, once; in an xdist worker they are already there."""
        if not self.controls_servers or self._postgres is not None or self.failure:
            return
        data = template.copy_of_cluster(self.folder / "postgres")
        self._postgres = start_postgres(
            data, log_path=self.folder / "postgres.log", options=UNSAFE_BUT_FAST, socket_dir=self.socket_dir
        )
        self._valkey = start_valkey(
            self.folder / "valkey", log_path=self.folder / "valkey.log", port=self.valkey_port, durable=False
        )

    def start_or_note_why_not(self) -> None:
        """As `start`, but tests that need no server still run: the others tell what `failure` says."""
        try:
            self.start()
        except Exception as error:
            self._failure.write_text(str(error))

    @property
    def failure(self) -> str:
        """Why there are no servers; empty when there are."""
        return self._failure.read_text() if self._failure.exists() else ""

    def stop(self) -> None:
        """Stop the servers and leave nothing behind."""
        if not self.controls_servers:
            return
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


RUN = pytest.StashKey[TestRun]()


def _remove_leftovers() -> None:
    """Folders of runs that were killed; their servers ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        process = folder.name.removeprefix(_PREFIX).split("-")[0]
        if process.isdigit() and not _alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    with contextlib.suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
