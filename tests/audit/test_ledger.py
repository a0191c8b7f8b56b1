"""The ledger: one entry per act, append-only for everybody, sealed, and every tampering named."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction

from releasetrain.accounts.actions import create_service_account
from releasetrain.accounts.models import Grant, ServiceAccount
from releasetrain.audit.models import Checkpoint, LedgerEntry, SealedLeaf
from releasetrain.audit.rules.merkle import verify_inclusion
from releasetrain.audit.sealing import latest_checkpoint, proof_of, seal
from releasetrain.audit.verification import Report, verify_ledger
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.guards import history_of, is_append_only, tenant_models
from releasetrain.tenancy.scope import tenant_scope


def report_of(cast: Any) -> Report:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        return verify_ledger(cast.organization.pk)


def accounts_made(cast: Any, *names: str) -> None:
    for name in names:
        with tenant_scope(cast.organization.pk, cast["owner"]):
            create_service_account(cast["owner"], name=name)


def sealed(cast: Any) -> int:
    """Seal until nothing waits: at once, unless the server's own maintenance holds a transaction id for a moment."""
    count, waiting, deadline = 0, 1, time.monotonic() + 10
    while waiting and time.monotonic() < deadline:
        count += sealed_now(cast)
        with tenant_scope(cast.organization.pk, cast["owner"]):
            waiting = LedgerEntry.objects.count() - SealedLeaf.objects.count()
    assert not waiting
    return count


def sealed_now(cast: Any) -> int:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        return seal(cast.organization.pk)


@pytest.mark.django_db
def test_an_act_leaves_one_entry_that_says_who_did_what_to_what(cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        account = create_service_account(cast["owner"], name="pipeline")
        entry = LedgerEntry.objects.order_by("-id").first()
    assert (entry.verb, entry.subject_kind, entry.subject_id) == (
        "service_account.create",
        "serviceaccount",
        str(account.pk),
    )
    assert entry.actor_id == cast["owner"].user_id
    assert '"name":"pipeline"' in entry.body


@pytest.mark.django_db
def test_a_refused_act_leaves_no_trace(cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["executive"]):
        before = LedgerEntry.objects.count()
        with pytest.raises(Refused) as refusal:
            create_service_account(cast["executive"], name="pipeline")
        assert refusal.value.status == 403
        assert LedgerEntry.objects.count() == before
        assert not ServiceAccount.objects.exists()


@pytest.mark.django_db
def test_entries_name_people_by_reference_only(cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        create_service_account(cast["owner"], name="pipeline")
        body = LedgerEntry.objects.order_by("-id").first().body
    assert cast["owner"].name not in body


@pytest.mark.parametrize("role", ["application", "owner", "superuser"])
def test_ledger_and_history_are_append_only_for_every_role(
    committed_db: Any, cast: Any, owner_connection: Any, superuser_connection: Any, role: str
) -> None:
    accounts_made(cast, "pipeline")
    for model in tenant_models():
        if not is_append_only(model):
            continue
        table = model._meta.db_table
        for statement in (
            f'DELETE FROM "{table}"',
            f'UPDATE "{table}" SET id = id',
            f'TRUNCATE "{table}" CASCADE',
        ):
            if role == "application":
                with (
                    pytest.raises(DatabaseError),
                    tenant_scope(cast.organization.pk, cast["owner"]),
                    connection.cursor() as c,
                ):
                    c.execute(statement)
                continue
            other = owner_connection if role == "owner" else superuser_connection
            with other.cursor() as c:
                c.execute(
                    "SELECT set_config('releasetrain.organization', %s, false)", [str(cast.organization.pk)]
                )
                c.execute("SET session_replication_role = replica") if role == "superuser" else None
                c.execute(f'SELECT count(*) FROM "{table}"')
                rows = c.fetchone()[0]
                if not rows and not statement.startswith("TRUNCATE"):
                    continue
                with pytest.raises(Exception, match="append-only"):
                    c.execute(statement)
            other.rollback()


def test_a_change_by_hand_is_in_the_history_without_a_name(committed_db: Any, cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        grant = Grant.objects.first()
        before = grant.history.count()
    with psycopg2.connect(committed_db.superuser_url) as by_hand, by_hand.cursor() as cursor:
        cursor.execute("UPDATE accounts_grant SET ends_at = '2031-01-01' WHERE id = %s", [str(grant.pk)])
    by_hand.close()
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert grant.history.count() == before + 1
        last = grant.history.order_by("-history_id").first()
        assert (last.history_type, last.ends_at.year, last.history_user_id) == ("~", 2031, None)
    assert any(str(grant.pk) in fault and "changed by hand" in fault for fault in report_of(cast).faults)


def test_history_names_who_acted_and_why_in_nested_scopes(committed_db: Any, cast: Any) -> None:
    owner, helper = cast["owner"], replace(cast["rte"], reason="stands in", request_id="req-2")
    with tenant_scope(cast.organization.pk, owner):
        grant = Grant.objects.first()
        with tenant_scope(cast.organization.pk, helper):
            grant.save()
        grant.save()
        inner, outer = grant.history.order_by("history_id")[1:3]
    assert (inner.history_user_id, inner.history_change_reason, inner.history_request_id) == (
        helper.user_id,
        "stands in",
        "req-2",
    )
    assert (outer.history_user_id, outer.history_change_reason) == (owner.user_id, None)


def test_bulk_writes_and_updates_are_in_the_history(committed_db: Any, cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        before = Grant.history.count()
        changed = Grant.objects.update(ends_at=None)
        assert changed > 1
        assert Grant.history.count() == before + changed


@pytest.mark.django_db
def test_every_tracked_table_writes_its_history(northwind: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname IN ('history_of_insert', 'history_of_update') AND t.tgenabled = 'A' GROUP BY 1"
        )
        writing = dict(cursor.fetchall())
    assert writing == {m._meta.db_table: 2 for m in tenant_models() if history_of(m)}


def test_sealed_entries_have_proofs_that_verify(committed_db: Any, cast: Any) -> None:
    accounts_made(cast, "a", "b", "c", "d", "e")
    assert sealed(cast) >= 5
    with tenant_scope(cast.organization.pk, cast["owner"]):
        head = latest_checkpoint()
        for entry in LedgerEntry.objects.all():
            index, path = proof_of(entry, head)
            verify_inclusion(bytes(entry.leaf_hash), index, head.size, path, bytes(head.root))
    assert report_of(cast).sound


def test_sealing_goes_on_where_it_stopped(committed_db: Any, cast: Any) -> None:
    accounts_made(cast, "a")
    sealed(cast)
    accounts_made(cast, "b", "c")
    assert sealed(cast) == 2
    assert sealed_now(cast) == 0
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert (
            SealedLeaf.objects.count()
            == LedgerEntry.objects.count()
            == Checkpoint.objects.order_by("-id").first().size
        )


def test_an_open_transaction_holds_back_what_could_still_be_overtaken(
    committed_db: Any, cast: Any, superuser_connection: Any
) -> None:
    sealed(cast)
    with superuser_connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
        accounts_made(cast, "later")
        assert sealed_now(cast) == 0
        superuser_connection.rollback()
    assert sealed(cast) == 1


def test_a_long_transaction_in_another_database_of_the_cluster_holds_nothing_back(
    committed_db: Any, cast: Any, test_run: Any
) -> None:
    elsewhere = psycopg2.connect(test_run.url("postgres", "postgres"))
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            accounts_made(cast, "later")
            assert sealed(cast)
    finally:
        elsewhere.close()


TAMPERINGS = {
    "body edited": (
        "UPDATE audit_ledgerentry SET body = replace(body, 'beta', 'evil') WHERE body LIKE '%beta%'",
        "altered",
    ),
    "body edited and hash recomputed": (
        "UPDATE audit_ledgerentry SET body = replace(body, 'beta', 'evil'),"
        " leaf_hash = sha256('\\x00'::bytea || convert_to(replace(body, 'beta', 'evil'), 'UTF8')) WHERE body LIKE '%beta%'",
        "differs from its sealed leaf",
    ),
    "column edited": (
        "UPDATE audit_ledgerentry SET verb = 'nothing.happened' WHERE body LIKE '%beta%'",
        "column verb differs",
    ),
    "row deleted": ("DELETE FROM audit_ledgerentry WHERE body LIKE '%beta%'", "gone from the ledger"),
    "row inserted into the past": (
        "INSERT INTO audit_ledgerentry (organization_id, xid, at, verb, actor_id, actor_name, route, subject_kind, subject_id,"
        " subject_label, request_id, body, leaf_hash) SELECT organization_id, xid, at, verb, actor_id, actor_name, route, subject_kind,"
        " subject_id, subject_label, request_id, body, leaf_hash FROM audit_ledgerentry WHERE body LIKE '%beta%'",
        "inserted later",
    ),
    "leaf deleted": ("DELETE FROM audit_sealedleaf WHERE index = 1", "missing from the tree"),
    "everything but the signature rewritten": (
        "UPDATE audit_ledgerentry SET body = replace(body, 'beta', 'evil'),"
        " leaf_hash = sha256('\\x00'::bytea || convert_to(replace(body, 'beta', 'evil'), 'UTF8')) WHERE body LIKE '%beta%';"
        " UPDATE audit_sealedleaf s SET leaf_hash = e.leaf_hash FROM audit_ledgerentry e WHERE e.id = s.entry_id",
        "root does not follow",
    ),
    "note forged": ("UPDATE audit_checkpoint SET note = replace(note, '\n\n', '\nforged\n\n')", "invalid"),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_superusers_tampering_is_caught_and_named(
    committed_db: Any, cast: Any, superuser_connection: Any, tampering: str
) -> None:
    accounts_made(cast, "alpha", "beta", "gamma")
    sealed(cast)
    assert report_of(cast).sound
    statement, named = TAMPERINGS[tampering]
    with superuser_connection.cursor() as cursor:
        for table in ("audit_ledgerentry", "audit_sealedleaf", "audit_checkpoint"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        assert cursor.rowcount > 0
    superuser_connection.commit()
    report = report_of(cast)
    assert not report.sound
    assert any(named in fault for fault in report.faults), report.faults


@pytest.mark.django_db
def test_the_body_decides_the_columns(cast: Any) -> None:
    from releasetrain.audit.ledger import entry_body

    body = entry_body(cast["owner"], "a.b", kind="x", subject_id="1", label="x", payload={})
    with (
        tenant_scope(cast.organization.pk, cast["owner"]),
        connection.cursor() as cursor,
        transaction.atomic(),
    ):
        cursor.execute(
            "INSERT INTO audit_ledgerentry (organization_id, body, at, verb, actor_name, route, subject_kind, subject_id,"
            " subject_label, request_id, leaf_hash) VALUES (%s, %s, 'epoch', 'forged.verb', '', '', '', '', '', '', '') RETURNING verb",
            [cast.organization.pk, body],
        )
        assert cursor.fetchone() == ("a.b",)
