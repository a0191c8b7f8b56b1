"""Where the database's administrator logs in, and which of PostgreSQL's programs are used."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
from django.conf import settings
from psycopg2.extensions import connection, parse_dsn

from releasetrain.embedded.local_state import LocalState
from releasetrain.embedded.postgres import SUPERUSER, ServerDidNotStart, programs


class CannotProceed(RuntimeError):
    """What is missing or wrong, in a sentence for the operator."""


def administrator_url() -> str:
    """Row-level security holds for the owner too, so only a superuser's dump is whole."""
    given = os.environ.get("DATABASE_SUPERUSER_URL")
    if given:
        return given
    sockets = Path(settings.VAR) / "postgres" / "socket"
    if (sockets / ".s.PGSQL.5432").exists() and (Path(settings.VAR) / "passwords.json").exists():
        password = quote(LocalState(Path(settings.VAR)).passwords()["superuser"], safe="")
        return f"postgresql://{SUPERUSER}:{password}@/postgres?host={quote(str(sockets), safe='/')}"
    raise CannotProceed(
        "Set DATABASE_SUPERUSER_URL: backups are read, and restored, by a superuser (row-level security would hide rows)."
    )


def database_name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def in_database(url: str, database: str) -> dict[str, str]:
    """Connection parameters for another database of the same server."""
    return {**parse_dsn(url), "dbname": database}


@contextmanager
def connected(url: str, database: str, *, autocommit: bool = True) -> Iterator[connection]:
    try:
        opened = psycopg2.connect(**in_database(url, database))
    except psycopg2.OperationalError as error:
        raise CannotProceed(f"The database {database} cannot be reached: {error}") from error
    try:
        opened.autocommit = autocommit
        yield opened
    finally:
        opened.close()


def run_program(name: str, arguments: Sequence[str], url: str, database: str) -> str:
    """One of PostgreSQL's programs; addresses and passwords go through the environment, where no list of processes shows them."""
    parameters = in_database(url, database)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
    }
    environment = os.environ | {names[key]: value for key, value in parameters.items() if key in names}
    done = subprocess.run(
        [str(program(name)), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotProceed(f"{name} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def program(name: str) -> Path:
    """The wheel's program where it is installed, else the system's."""
    try:
        return programs() / name
    except ServerDidNotStart:
        found = shutil.which(name)
        if found is None:
            raise CannotProceed(
                f"{name} is not installed; it comes with PostgreSQL's client programs."
            ) from None
        return Path(found)
