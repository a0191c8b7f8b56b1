"""The ground that tests stand on: the right role, real commits kept apart, processes that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import psycopg2
import pytest
import redis
from django.db import connection

from releasetrain.embedded.fingerprint import ROOT
from tests.testbed.databases import Database
from tests.testbed.processes import LiveApp, Process


def _who_and_where() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        row: tuple[str, str] = cursor.fetchone()
    return row


@pytest.mark.django_db
def test_ordinary_tests_run_as_the_application() -> None:
    assert _who_and_where()[0] == "releasetrain_app"


@pytest.mark.parametrize("round_", [1, 2])
def test_commits_are_real_and_gone_with_the_test(
    committed_db: Database, superuser_connection: Any, round_: int
) -> None:
    from releasetrain.accounts.models import User

    email = "only-in-this-database@example.org"
    assert _who_and_where() == ("releasetrain_app", committed_db.name)
    assert not User.objects.filter(email=email).exists()
    User.objects.create(email=email)
    with superuser_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_user WHERE email = %s", [email])
        assert cursor.fetchone() == (1,)


def test_a_started_command_meets_the_same_database(committed_db: Database) -> None:
    program = "import django; django.setup(); from django.db import connection; print(connection.settings_dict['NAME'])"
    environment = committed_db.environment()
    assert os.environ["DATABASE_URL"] == environment["DATABASE_URL"] == committed_db.url
    assert "DATABASE_OWNER_URL" not in environment
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == committed_db.name


def test_the_owner_is_held_by_row_security_and_the_superuser_is_not(
    committed_db: Database, owner_connection: Any, superuser_connection: Any
) -> None:
    counts = []
    for one in (owner_connection, superuser_connection):
        with one.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM audit_ledgerentry")
            counts.append(cursor.fetchone()[0])
    assert counts[0] == 0
    assert counts[1] > 0


def test_the_queue_is_empty_and_ours(redis_url: str) -> None:
    with redis.from_url(redis_url, protocol=2) as client:
        assert client.dbsize() == 0


def test_a_killed_worker_comes_back(celery_worker: Process) -> None:
    first = celery_worker.pid
    celery_worker.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    celery_worker.start()
    assert celery_worker.pid != first
    assert " ready." in celery_worker.log()


@pytest.mark.journey
def test_the_live_product_serves_pages_and_hashed_files(page: Any, live_app: LiveApp) -> None:
    failed: list[str] = []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    answer = page.goto("/")
    assert answer.status == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    page.wait_for_load_state("networkidle")
    styles = page.locator("link[rel=stylesheet]").first.get_attribute("href")
    assert styles.count(".") == 2, f"{styles} carries no digest"
    assert failed == []


def test_other_runs_have_other_servers(current_database: Database) -> None:
    run = current_database.run
    assert str(run.folder) in current_database.url
    with psycopg2.connect(current_database.superuser_url) as one, one.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        assert cursor.fetchone()[0].startswith(str(run.folder.resolve()))
