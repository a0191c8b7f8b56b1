"""Commands for operators: founding, verifying and sealing, key rotation."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from releasetrain.audit import keys
from releasetrain.tenancy.models import Organization
from tests.testbed.cast import email


def said(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_an_operator_founds_an_organization(northwind: Any) -> None:
    founded = said("create_organization", "fabrikam", "Fabrikam", "--owner", email("nobody", "northwind"))
    assert "/o/fabrikam/" in founded
    assert Organization.objects.filter(slug="fabrikam").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("fabrikam", "Fabrikam", "--owner", "who@example.org"), "signed up"),
        (("northwind", "Again", "--owner", email("owner", "northwind")), "taken"),
        (("F!", "Fabrikam", "--owner", email("owner", "northwind")), "lower-case"),
        (("fabrikam", "F", "--owner", email("owner", "northwind"), "--time-zone", "Mars"), "time zone"),
    ],
)
def test_what_cannot_be_founded_is_said(northwind: Any, arguments: tuple[str, ...], named: str) -> None:
    with pytest.raises(CommandError, match=named):
        said("create_organization", *arguments)
    assert Organization.objects.count() == 2


def test_the_ledger_is_sealed_and_verified_by_command(committed_db: Any) -> None:
    assert "northwind:" in said("seal_ledger")
    assert "northwind: sound" in said("verify_ledger", "northwind")


def test_verify_ledger_fails_and_names_what_a_superuser_edited(
    committed_db: Any, northwind: Any, superuser_connection: Any, capsys: Any
) -> None:
    assert "northwind: sound" in said("verify_ledger", "northwind")
    with superuser_connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_ledgerentry SET body = replace(body, 'Northwind', 'Southwind')")
    superuser_connection.commit()
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger", "northwind", stdout=out)
    assert ended.value.code == 1
    assert "NOT SOUND" in out.getvalue()
    assert "was altered" in out.getvalue()


def test_a_rotated_key_leaves_old_checkpoints_valid(committed_db: Any) -> None:
    said("seal_ledger")
    before = keys.signer().public.keyid
    said("rotate_ledger_key")
    assert keys.signer().public.keyid != before
    assert before in {key.keyid for key in keys.public_keys()}
    assert "northwind: sound" in said("verify_ledger", "northwind")
