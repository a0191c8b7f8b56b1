"""The migrated database that every test database is a copy of; kept between runs until the schema changes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql

from releasetrain.embedded.fingerprint import ROOT, digest_of, schema_digest
from releasetrain.embedded.provisioning import APPLICATION, OWNER, Login, provision
from releasetrain.embedded.servers import UNSAFE_BUT_FAST, start_postgres

NAME = "tests_template"
_CACHE = ROOT / "var" / "test"
_KEPT = 3


class SchemaCannotBeBuilt(RuntimeError):
    """`migrate` failed; its output says why."""


def copy_of_cluster(target: Path) -> Path:
    """A copy of the prepared cluster for one run; prepares it first when the schema has changed."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    digest = digest_of(ROOT, [ROOT / "tests/testbed/cast.py"], extra=schema_digest().encode())
    kept = _CACHE / f"cluster-{digest[:20]}"
    with _locked(kept.with_suffix(".lock")):
        if not kept.is_dir():
            _build(kept)
            _forget_old()
        os.utime(kept)
        # cp, because it clones blocks where the file system can, and keeps the owner when we are root.
        subprocess.run(["cp", "-a", "--reflink=auto", kept, target], check=True)
    return target


def create_copy(superuser_url: str, name: str) -> None:
    """A new database with the migrated schema, as the owner's."""
    with _superuser(superuser_url) as cursor:
        identifiers = {"name": sql.Identifier(name), "template": sql.Identifier(NAME)}
        identifiers |= {"owner": sql.Identifier(OWNER), "application": sql.Identifier(APPLICATION)}
        for statement in (
            # Copying files beats writing the log where nothing is synchronised to disk anyway.
            "CREATE DATABASE {name} TEMPLATE {template} OWNER {owner} STRATEGY file_copy",
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {name} TO {application}",
        ):
            cursor.execute(sql.SQL(statement).format(**identifiers))


def drop(superuser_url: str, name: str) -> None:
    """Remove a database, also from under somebody who is still connected."""
    with _superuser(superuser_url) as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _superuser(url: str) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(url)
    connection.autocommit = True  # CREATE DATABASE is not allowed inside a transaction
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _build(kept: Path) -> None:
    workshop = Path(tempfile.mkdtemp(prefix="build-", dir=_CACHE))
    workshop.chmod(0o711)
    try:
        server = start_postgres(workshop / "data", log_path=workshop / "log", options=UNSAFE_BUT_FAST)
        try:
            owner, application = Login(OWNER, None), Login(APPLICATION, None)
            provision(server.superuser_url, database=NAME, owner=owner, application=application)
            _migrate(server.url(NAME, OWNER), server.url(NAME, APPLICATION), workshop)
        finally:
            server.stop()
        (workshop / "data").rename(kept)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _migrate(owner_url: str, application_url: str, workshop: Path) -> None:
    """As the owner, in a process of its own, exactly as an installation does it."""
    environment = os.environ | {
        "DATABASE_OWNER_URL": owner_url,
        "DATABASE_URL": application_url,
        "RELEASETRAIN_VAR": str(workshop / "var"),
    }
    _run([str(ROOT / "manage.py"), "migrate", "--noinput", "--skip-checks", "--verbosity=0"], environment)
    del environment["DATABASE_OWNER_URL"]
    _run(["-m", "tests.testbed.cast"], environment)


def _run(arguments: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SchemaCannotBeBuilt(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def _forget_old() -> None:
    """The last few schemas are kept, for going back and forth between branches."""
    kept = sorted((p for p in _CACHE.glob("cluster-*") if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for old in kept[:-_KEPT]:
        with _locked(old.with_suffix(".lock")):
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
