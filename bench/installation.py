"""A throw-away installation to measure: durable PostgreSQL and Valkey, the demo, web server and worker on demand."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.children import kill_session, spawn, stop
from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.provisioning import APPLICATION, DATABASE, OWNER, Login, provision
from releasetrain.embedded.servers import PostgresServer, start_postgres, start_valkey
from releasetrain.embedded.up import beat_command, web_command, worker_command

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Installation:
    """The servers that run, and the environment that everything started on them needs."""

    folder: Path
    postgres: PostgresServer
    environment: dict[str, str]

    @contextmanager
    def web(self, application: str = "releasetrain.wsgi:application", **settings: str) -> Iterator[int]:
        """The web server as `manage.py up` starts it, on a free port."""
        port = free_port()
        command = [*web_command(HOST, port)[:-1], application]
        with self._process(command, "web", settings):
            _wait(lambda: _answers(port), "the web server", self.folder / "web.log")
            yield port

    @contextmanager
    def worker(self, **settings: str) -> Iterator[None]:
        """The worker as `manage.py up` starts it."""
        from releasetrain.celery import app

        with self._process(worker_command(), "worker", settings):
            _wait(lambda: bool(app.control.ping(timeout=0.5)), "the worker", self.folder / "worker.log")
            yield

    @contextmanager
    def scheduler(self) -> Iterator[None]:
        """The scheduler as `manage.py up` starts it."""
        with self._process(beat_command(self.folder), "scheduler", {}):
            yield

    def processor_seconds(self) -> float:
        """What the servers and processes of the installation have used so far, those that ended included; this one not."""
        used = 0.0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system + times.children_user + times.children_system
        return used

    @contextmanager
    def _process(self, command: Sequence[str], name: str, settings: dict[str, str]) -> Iterator[None]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = spawn(command, cwd=ROOT, environment={**self.environment, **settings}, output=log)
        try:
            yield
        finally:
            stop(process, with_signal=signal.SIGTERM, patience=15)
            kill_session(process)


@contextmanager
def installed() -> Iterator[Installation]:
    """Servers with the settings of `make run` (fsync on), schema, demo and static files; all gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="releasetrain-bench-"))
    folder.chmod(0o711)  # PostgreSQL's account walks through; nobody looks inside
    try:
        with ExitStack() as running:
            postgres = start_postgres(folder / "postgres", log_path=folder / "postgres.log")
            running.callback(postgres.stop)
            valkey = start_valkey(folder / "valkey", log_path=folder / "valkey.log")
            running.callback(valkey.stop)
            provision(
                postgres.superuser_url,
                database=DATABASE,
                owner=Login(OWNER, None),
                application=Login(APPLICATION, None),
            )
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "bench.settings",
                "RELEASETRAIN_VAR": str(folder / "var"),
                "SECRET_KEY": "for a throw-away installation, and as long as Django wants it to be",
                "DATABASE_URL": postgres.url(DATABASE, APPLICATION),
                "REDIS_URL": valkey.url(),
            }
            (folder / "var").mkdir()
            owner = {**environment, "DATABASE_OWNER_URL": postgres.url(DATABASE, OWNER)}
            _manage(owner, "migrate", "--noinput", "--skip-checks", "--verbosity=0")
            _manage(environment, "collectstatic", "--noinput", "--skip-checks", "--verbosity=0")
            _manage(environment, "load_demo")
            _enter(environment)
            yield Installation(folder, postgres, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _enter(environment: dict[str, str]) -> None:
    """Make this process a part of the installation, as the application's role."""
    os.environ.update(environment)
    import django

    django.setup()


def _manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _wait(ready, what: str, log: Path, patience: float = 180) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{what} did not start:\n{tail}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=55)
    try:
        connection.request("GET", "/", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
