"""The roles and the database that the product needs on any PostgreSQL, made by a superuser once.

Two roles, so that a fault in the application cannot undo its own guards: the owner changes the schema, the
application only uses it. Neither is a superuser, and neither can bypass row-level security.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT, connection, parse_dsn

OWNER = "releasetrain_owner"
APPLICATION = "releasetrain_app"
DATABASE = "releasetrain"
EXTENSIONS = ("pg_trgm", "btree_gist")

_LIMITS = "LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE NOREPLICATION"


@dataclass(frozen=True)
class Login:
    """One role's name and password, as a connection URL names them."""

    name: str
    password: str | None

    @classmethod
    def of(cls, url: str) -> Login:
        parts = urlsplit(url)
        return cls(unquote(parts.username or ""), unquote(parts.password) if parts.password else None)


def provision(superuser_url: str, *, database: str, owner: Login, application: Login) -> bool:
    """Create or repair roles, database and extensions; True when the database is new. Idempotent."""
    with _connected(superuser_url) as administration:
        for login in (owner, application):
            _ensure_role(administration, login)
        new = _ensure_database(administration, database, owner.name)
        _execute(administration, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
        _execute(administration, "GRANT CONNECT ON DATABASE {} TO {}", database, application.name)
    with _connected(superuser_url, database) as inside:
        for extension in EXTENSIONS:
            _execute(inside, "CREATE EXTENSION IF NOT EXISTS {}", extension)
        _execute(inside, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return new


@contextmanager
def _connected(url: str, database: str | None = None) -> Iterator[connection]:
    """A connection without transactions (CREATE DATABASE allows none), closed at the end."""
    parameters = parse_dsn(url) | ({"dbname": database} if database else {})
    opened = psycopg2.connect(**parameters)
    try:
        opened.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        yield opened
    finally:
        opened.close()


def _ensure_role(administration: connection, login: Login) -> None:
    if not _exists(administration, "SELECT 1 FROM pg_roles WHERE rolname = %s", login.name):
        _execute(administration, "CREATE ROLE {}", login.name)
    statement = sql.SQL("ALTER ROLE {} " + _LIMITS).format(sql.Identifier(login.name))
    if login.password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(login.password))
    with administration.cursor() as cursor:
        cursor.execute(statement)


def _ensure_database(administration: connection, database: str, owner: str) -> bool:
    if _exists(administration, "SELECT 1 FROM pg_database WHERE datname = %s", database):
        return False
    _execute(administration, "CREATE DATABASE {} OWNER {}", database, owner)
    return True


def _exists(administration: connection, query: str, value: str) -> bool:
    with administration.cursor() as cursor:
        cursor.execute(query, [value])
        return cursor.fetchone() is not None


def _execute(administration: connection, template: str, *names: str) -> None:
    with administration.cursor() as cursor:
        cursor.execute(sql.SQL(template).format(*(sql.Identifier(name) for name in names)))
