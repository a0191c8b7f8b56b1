"""Migrating while others are at work: they neither wait long nor fail, and no table is without its guards meanwhile."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, models

from releasetrain.tenancy import putting_in_place
from releasetrain.tenancy.guards import guard_statements, tenant_models, tenant_tables
from releasetrain.tenancy.putting_in_place import groups, patiently, target
from releasetrain.tenancy.under_load import defaults_kept

# Triggers of earlier versions that are taken away for good: whatever they did is done otherwise by then.
GIVEN_UP = {
    *((model._meta.db_table, "history_required") for model in tenant_models()),
    *(("exchange_inboundevent", f"search_{name}") for name in ("inserted", "updated", "deleted")),
}


def test_what_takes_a_guard_away_makes_it_anew_in_the_same_transaction() -> None:
    """Otherwise a table would stand without it in between."""
    for table, listed in groups(guard_statements()):
        for at, statement in enumerate(listed):
            words = statement.split()
            if words[0] == "DROP" and words[1] in ("TRIGGER", "POLICY"):
                anew = [
                    s
                    for s in listed[at + 1 :]
                    if f"CREATE {words[1]} {words[4]} " in s or f"TRIGGER {words[4]} " in s
                ]
                assert anew or (table, words[4]) in GIVEN_UP, f"{table}: {statement}"
            if words[0] == "REVOKE" and "ON ALL" not in statement and words[3] != "SCHEMA":
                assert any(s.startswith("GRANT") and target(s) == table for s in listed[at + 1 :]), statement


def test_somebody_at_work_on_a_table_waits_briefly_and_guards_come_in_the_end(
    committed_db: Any, owner_connection: Any
) -> None:
    holder = psycopg2.connect(committed_db.superuser_url)
    with holder.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM trains_service"
        )  # as any reader holds it until its transaction ends
    statements = [
        "DROP TRIGGER IF EXISTS never_deleted ON trains_service",
        "CREATE TRIGGER never_deleted BEFORE DELETE ON trains_service FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    ]
    connection.close()
    waits: list[float] = []

    def others() -> None:
        with psycopg2.connect(committed_db.superuser_url) as reader, reader.cursor() as cursor:
            for _ in range(8):
                began = time.monotonic()
                cursor.execute("SELECT count(*) FROM trains_service")
                waits.append(time.monotonic() - began)
                reader.commit()
                time.sleep(0.2)
        holder.rollback()

    reading = threading.Thread(target=others)
    reading.start()
    connection.settings_dict["USER"], user = "releasetrain_owner", connection.settings_dict["USER"]
    try:
        assert putting_in_place.put(statements, others=True) == 1
        assert putting_in_place.put(statements, others=True) == 0, "what stands is left alone"
    finally:
        reading.join()
        connection.close()
        connection.settings_dict["USER"] = user
        holder.close()
    assert max(waits) < 1.5
    with owner_connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE tgname = 'never_deleted' AND tgrelid = 'trains_service'::regclass"
        )
        assert cursor.fetchone() is not None


def test_a_table_is_open_to_its_organization_before_any_trigger_or_function_writes_there() -> None:
    """The version before writes into new tables by triggers on tables that it knows, as soon as there is such a trigger."""
    statements = list(guard_statements())
    opened: dict[str, int] = {}
    written: list[tuple[int, str]] = []
    for at, statement in enumerate(statements):
        if statement.startswith("GRANT"):
            opened.setdefault(target(statement), at)
        if "FUNCTION" in statement:
            written += [(at, table) for table in re.findall(r'INSERT INTO "?(\w+)', statement)]
    assert len(written) > 100
    assert not [(table, at) for at, table in written if opened.get(table, at) >= at]
    # Never the other way round: what is opened is bounded by then, in the same transaction.
    for table, listed in groups(statements):
        granted = [at for at, s in enumerate(listed) if s.startswith("GRANT")]
        if granted and table in tenant_tables():
            assert any(s.startswith("CREATE POLICY organization") for s in listed[: granted[0]]), table


def test_who_writes_by_a_trigger_that_is_replaced_meets_no_function_that_is_not_there_yet(
    committed_db: Any, monkeypatch: Any
) -> None:
    """Between any two steps the version before writes, as the rolling upgrade does under load."""
    old = (
        "CREATE OR REPLACE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
    )
    statements = [
        old.replace("RETURN NULL", "PERFORM counted(); RETURN NULL"),
        "CREATE OR REPLACE FUNCTION counted() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT numbered()'",
        "CREATE OR REPLACE FUNCTION numbered() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 7::bigint'",
    ]
    apart, writes = putting_in_place._apart, []
    with psycopg2.connect(committed_db.owner_url) as before, before.cursor() as cursor:
        cursor.execute(f"CREATE TABLE noted (n int); GRANT INSERT ON noted TO releasetrain_app; {old}")
        cursor.execute(
            "CREATE TRIGGER noting AFTER INSERT ON noted FOR EACH STATEMENT EXECUTE FUNCTION noting()"
        )

    def write_after(listed: list[str]) -> None:
        apart(listed)
        with psycopg2.connect(committed_db.url) as writer, writer.cursor() as cursor:
            cursor.execute("INSERT INTO noted VALUES (1)")
        writes.append(listed)

    monkeypatch.setattr(putting_in_place, "_apart", write_after)
    connection.close()
    connection.settings_dict["USER"], user = "releasetrain_owner", connection.settings_dict["USER"]
    try:
        putting_in_place.put(statements, others=True)
    finally:
        connection.close()
        connection.settings_dict["USER"] = user
    assert len(writes) == 3


def test_a_deadlock_is_tried_again_and_other_faults_are_not() -> None:
    class Deadlock(psycopg2.OperationalError):
        pgcode = "40P01"

    tries: list[int] = []

    def gives_way() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("deadlock detected") from Deadlock()

    patiently(gives_way)
    assert len(tries) == 3
    with pytest.raises(OperationalError, match="no disk"):
        patiently(lambda: (_ for _ in ()).throw(OperationalError("no disk")))


@pytest.mark.django_db
def test_a_version_that_does_not_know_a_new_column_can_still_insert(monkeypatch: Any) -> None:
    """The schema editor's statements are looked at: the application's role may change no schema."""
    from trains.models import Service

    said: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        "django.db.backends.postgresql.schema.DatabaseSchemaEditor.execute",
        lambda self, sql, params=(): said.append((str(sql), params)),
    )
    field = models.CharField(max_length=9, default="plain")
    field.set_attributes_from_name("manner")
    field.model = Service
    with defaults_kept():
        editor = connection.schema_editor(collect_sql=False, atomic=False)
        editor.deferred_sql = []
        editor.add_field(Service, field)
    assert "DROP DEFAULT" in said[-2][0]
    assert said[-1][0].endswith("SET DEFAULT %s")
    assert list(said[-1][1]) == ["plain"]
