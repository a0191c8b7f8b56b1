"""Fixtures for databases: one per process that is rolled back, and fresh ones with real commits."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from . import template
from .run import RUN, TestRun
from .template import APPLICATION, OWNER

SUPERUSER = "postgres"


@dataclass(frozen=True)
class Database:
    """One database of this run, as the three roles reach it."""

    name: str
    run: TestRun

    @property
    def url(self) -> str:
        return self.run.url(APPLICATION, self.name)

    @property
    def owner_url(self) -> str:
        return self.run.url(OWNER, self.name)

    @property
    def superuser_url(self) -> str:
        return self.run.url(SUPERUSER, self.name)

    def environment(self) -> dict[str, str]:
        """For processes that a test starts: all of ours, with this database."""
        return {**os.environ, **self.run.environment(), "DATABASE_URL": self.url}


@pytest.fixture(scope="session")
def test_run(pytestconfig: pytest.Config) -> TestRun:
    """The servers of this run, started."""
    run: TestRun = pytestconfig.stash[RUN]
    run.start_or_note_why_not()
    if run.failure:
        pytest.fail(f"There is no database to test with: {run.failure}", pytrace=False)
    return run


@pytest.fixture(scope="session")
def django_db_setup(test_run: TestRun, django_test_environment: None) -> Iterator[None]:
    """A copy of the migrated template for this process, in place of pytest-django's own."""
    template.create_copy(test_run.url(SUPERUSER, "postgres"), test_run.database)
    yield
    _close_connections()
    template.drop(test_run.url(SUPERUSER, "postgres"), test_run.database)


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest, test_run: TestRun, redis_url: str, django_db_blocker: Any
) -> Iterator[Database]:
    """A fresh database with real commits, Django connected to it as the application; dropped afterwards."""
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        pytest.fail("committed_db stands alone: take away django_db and db, which roll back.")
    database = Database(f"committed_{uuid.uuid4().hex[:12]}", test_run)
    administration = test_run.url(SUPERUSER, "postgres")
    template.create_copy(administration, database.name)
    with django_db_blocker.unblock(), _connected_to(database):
        yield database
    template.drop(administration, database.name)


@pytest.fixture
def current_database(request: pytest.FixtureRequest) -> Database:
    """The database that this test's Django is connected to."""
    if "committed_db" in request.fixturenames:
        database: Database = request.getfixturevalue("committed_db")
        return database
    request.getfixturevalue("django_db_setup")
    run: TestRun = request.getfixturevalue("test_run")
    return Database(run.database, run)


@pytest.fixture
def owner_connection(current_database: Database) -> Iterator[Any]:
    """A connection of the role that owns the schema; sees only what is committed."""
    yield from _connection(current_database.owner_url)


@pytest.fixture
def superuser_connection(current_database: Database) -> Iterator[Any]:
    """A connection that no row-level security and no grant holds back; sees only what is committed."""
    yield from _connection(current_database.superuser_url)


@pytest.fixture
def redis_url(test_run: TestRun) -> str:
    """This process's own numbered database in the run's Valkey, emptied before the test."""
    import redis

    with redis.from_url(test_run.redis_url) as client:
        client.flushdb()
    return test_run.redis_url


def _connection(url: str) -> Iterator[Any]:
    connection = psycopg2.connect(url)
    yield connection
    connection.close()


@contextmanager
def _connected_to(database: Database) -> Iterator[None]:
    """Point Django, and what tests start with `os.environ`, at another database for a while."""
    from django.db import connections

    _close_connections()
    settings = connections.settings["default"]  # every thread's connection is made from this one dictionary
    before = settings["NAME"], os.environ["DATABASE_URL"]
    settings["NAME"], os.environ["DATABASE_URL"] = database.name, database.url
    try:
        yield
    finally:
        _close_connections()
        settings["NAME"], os.environ["DATABASE_URL"] = before


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()
