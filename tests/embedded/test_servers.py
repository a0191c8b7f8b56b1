"""The embedded servers: reached by their own roles only, gone when their starter is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.provisioning import APPLICATION, DATABASE, OWNER, Login, provision
from releasetrain.embedded.servers import (
    UNSAFE_BUT_FAST,
    PostgresServer,
    ServerDidNotStart,
    start_postgres,
    start_valkey,
)

PASSWORD = "with ' and \" and @/: in it"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A short path that PostgreSQL's account may walk through."""
    top = Path(tempfile.mkdtemp(prefix="servers-"))
    top.chmod(0o711)
    yield top
    shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres(folder: Path) -> Iterator[PostgresServer]:
    server = start_postgres(
        folder / "pg" / "data", log_path=folder / "postgres.log", password=PASSWORD, options=UNSAFE_BUT_FAST
    )
    owner, application = Login(OWNER, PASSWORD), Login(APPLICATION, PASSWORD)
    assert provision(server.superuser_url, database=DATABASE, owner=owner, application=application)
    assert not provision(server.superuser_url, database=DATABASE, owner=owner, application=application)
    yield server
    server.stop()


def test_postgres_listens_on_no_network_address(postgres: PostgresServer) -> None:
    with psycopg2.connect(postgres.superuser_url) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)


def test_every_connection_needs_the_password(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        psycopg2.connect(postgres.url(DATABASE, APPLICATION, "guess"))


@pytest.mark.parametrize("role", [OWNER, APPLICATION])
def test_roles_can_neither_bypass_row_security_nor_grow(postgres: PostgresServer, role: str) -> None:
    with psycopg2.connect(postgres.superuser_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit "
            "FROM pg_roles WHERE rolname = %s",
            [role],
        )
        assert cursor.fetchone() == (False,) * 5


def test_the_application_owns_nothing_and_creates_nothing(postgres: PostgresServer) -> None:
    with psycopg2.connect(postgres.url(DATABASE, APPLICATION, PASSWORD)) as connection:
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("CREATE TABLE mine (id int)")


def test_the_owner_creates_what_migrations_need(postgres: PostgresServer) -> None:
    with (
        psycopg2.connect(postgres.url(DATABASE, OWNER, PASSWORD)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE theirs (name text, EXCLUDE USING gist (name WITH =))")
        cursor.execute("CREATE INDEX ON theirs USING gin (name gin_trgm_ops)")
        cursor.execute("SELECT uuid_extract_version(uuidv7())")
        assert cursor.fetchone() == (7,)
        connection.rollback()


def test_data_made_by_another_version_is_refused_with_what_to_do(folder: Path) -> None:
    data = folder / "old"
    data.mkdir()
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServerDidNotStart, match=r"made by PostgreSQL 12.*Dump it"):
        start_postgres(data, log_path=folder / "old.log")


def test_a_path_too_long_for_a_socket_still_starts(folder: Path) -> None:
    data = folder / ("long-" + "x" * 100) / "data"
    server = start_postgres(data, log_path=folder / "long.log", options=UNSAFE_BUT_FAST)
    try:
        psycopg2.connect(server.superuser_url).close()
    finally:
        server.stop()
    assert not server.socket_dir.exists()


def test_valkey_asks_for_its_password_and_keeps_the_queue(folder: Path) -> None:
    server = start_valkey(folder / "valkey", log_path=folder / "valkey.log", password="secret")
    with redis.from_url(server.url(), protocol=2) as client:
        client.lpush("queue", "work")
    with redis.from_url(f"redis://127.0.0.1:{server.port}/0", protocol=2) as stranger:
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
    server.stop()
    again = start_valkey(folder / "valkey", log_path=folder / "valkey.log", password="secret")
    with redis.from_url(again.url(), protocol=2) as client:
        assert client.lrange("queue", 0, -1) == [b"work"]
    again.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_servers_stop_when_their_starter_is_killed(folder: Path) -> None:
    program = f"""
from pathlib import Path
from releasetrain.embedded.servers import UNSAFE_BUT_FAST, start_postgres, start_valkey
import time
top = Path({str(folder)!r})
postgres = start_postgres(top / "orphan" / "data", log_path=top / "orphan.log", options=UNSAFE_BUT_FAST)
valkey = start_valkey(top / "orphan-valkey", log_path=top / "orphan-valkey.log", durable=False)
print(postgres.process.pid, valkey.process.pid, flush=True)
time.sleep(60)
"""
    starter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    servers = [int(pid) for pid in starter.stdout.readline().split()]
    assert len(servers) == 2
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 15
    while any(_runs(pid) for pid in servers):
        assert time.monotonic() < deadline, "a server outlived the process that started it"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """Whether a process works; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_is_world_readable(postgres: PostgresServer) -> None:
    assert postgres.data_dir.stat().st_mode & 0o077 == 0
    assert postgres.socket_dir.stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:
        assert postgres.data_dir.stat().st_uid != 0
