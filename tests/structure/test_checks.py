"""The system checks pass, with the database and for deployment, and they fail when something is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from releasetrain.audit import doorway
from releasetrain.audit.checks import plugs_have_their_verb


@pytest.mark.django_db
def test_the_system_checks_pass() -> None:
    call_command("check", databases=["default"], fail_level="WARNING")


@pytest.mark.django_db
def test_no_model_lacks_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_guard_on_a_verb_that_nobody_declares_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "_late_guards", {"no.such": [lambda *_: None]})
    assert [e.id for e in plugs_have_their_verb(None)] == ["audit.E001"]


def test_a_tenant_table_without_forced_row_security_is_an_error(
    committed_db: Any, superuser_connection: Any
) -> None:
    with superuser_connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trains_train NO FORCE ROW LEVEL SECURITY")
    superuser_connection.commit()
    connection.close()
    with pytest.raises(SystemCheckError, match="trains_train"):
        call_command("check", databases=["default"])
