"""An organization is closed by two owners, waits, and is then wholly removed, where no hold and no retention keeps it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from governance import files
from governance.models import LegalHold, RetentionPolicy
from releasetrain.access.closing import closing_of, obstacles
from releasetrain.access.models import Closing
from releasetrain.accounts.actions import grant, scope_for
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import User
from releasetrain.embedded.provisioning import OWNER
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization
from tests.testbed.cast import email

API = "/api/v1/orgs/northwind/do"


def second_owner(cast, within):
    with within(cast, "owner"):
        grant(cast.user("executive"), Role.OWNER, scope_for(cast.organization))


def close(api):
    assert api("owner").post(f"{API}/organization.ask_to_close", {"reason": "Merged"}).status_code == 200
    return api("executive").post(f"{API}/organization.confirm_closing", {})


@pytest.mark.django_db
def test_two_owners_close_it_and_any_of_them_stops_it(api, web, cast, within, northwind):
    second_owner(cast, within)
    assert api("rte").post(f"{API}/organization.ask_to_close", {"reason": "x"}).status_code == 403
    assert api("owner").post(f"{API}/organization.confirm_closing", {}).json()["code"] == "closing.not_asked"
    api("owner").post(f"{API}/organization.ask_to_close", {"reason": "Merged"})
    alone = api("owner").post(f"{API}/organization.confirm_closing", {})
    assert (alone.status_code, alone.json()["code"]) == (403, "closing.same")
    confirmed = api("executive").post(f"{API}/organization.confirm_closing", {})
    assert confirmed.status_code == 200, confirmed.json()
    assert api("rte").get("/api/v1/orgs/northwind/releases").status_code == 423
    assert "will be removed after" in web("owner").get("/o/northwind/settings/").content.decode()
    assert api("owner").post(f"{API}/organization.withdraw_closing", {"reason": "No"}).status_code == 200
    assert api("owner").post(f"{API}/organization.resume", {"reason": "No"}).status_code == 200
    assert closing_of(northwind) is None


@pytest.mark.django_db
def test_the_database_wants_two_people_and_the_waiting_time(northwind):
    person = User.objects.first().pk
    base = {"former_id": northwind.pk, "slug": "x", "name": "x", "reason": "x", "asked_by": person}
    for more in (
        {"confirmed_by": person, "confirmed_at": now(), "due_at": now() + timedelta(days=1)},
        {"removed_at": now()},
    ):
        with pytest.raises(DatabaseError, match="closing_"), transaction.atomic():
            Closing.objects.create(**base, **more)


@pytest.mark.django_db
def test_time_holds_and_retention_keep_it(api, cast, within, northwind, settings, tmp_path):
    settings.VAR = tmp_path
    second_owner(cast, within)
    close(api)
    closing = closing_of(northwind)
    with time_machine.travel(now() + timedelta(days=31)), within(cast, "owner"):
        assert obstacles(closing) == []
        files.keep(b"report", name="junit.xml")
        RetentionPolicy.objects.create(record_type="report", keep_days=365, reason="Law")
        LegalHold.objects.create(title="Case 7", reason="Court", placed_by=cast.user("compliance_officer"))
        said = " ".join(obstacles(closing))
    assert "Legal holds stand: " in said
    assert "Retention keeps stored records until" in said
    with within(cast, "owner"):
        assert "waiting time" in obstacles(closing)[0]


@contextmanager
def _as_owner():
    """Connected as the schema's owner, which the command is."""
    user = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = OWNER
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = user


def test_everything_is_removed_and_nothing_of_others(
    committed_db, api, cast, other_cast, within, capsys, settings, tmp_path
):
    settings.VAR = tmp_path
    second_owner(cast, within)
    assert close(api).status_code == 200
    moment = now()
    Closing.objects.update(confirmed_at=moment - timedelta(days=31), due_at=moment - timedelta(days=1))
    kept = _counts(other_cast.organization.pk, within, other_cast)
    with _as_owner():
        with pytest.raises(CommandError, match="Nobody has asked to close"):
            call_command("remove_organization", "contoso-health", yes=True)
        call_command("remove_organization", "northwind", yes=True)
    assert "is removed" in capsys.readouterr().out
    assert not Organization.objects.filter(slug="northwind").exists()
    closing = Closing.objects.get()
    assert closing.certificate["rows"]["audit_ledgerentry"] > 3
    assert _counts(other_cast.organization.pk, within, other_cast) == kept
    assert User.objects.filter(email=email("rte", "northwind")).exists(), "people keep their accounts"
    with (
        within(other_cast, "owner"),
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM audit_ledgerentry")


def _counts(organization_id, within, cast):
    found = {}
    with within(cast, "owner"), connection.cursor() as cursor:
        for table in ("accounts_grant", "accounts_historicalgrant", "audit_ledgerentry", "accounts_scope"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found
