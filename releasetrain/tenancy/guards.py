# ruff: noqa: S608 - every name in these statements is one of our own tables or columns
"""What the database itself refuses: derived from the models, applied after every `migrate` as the owner.

* row-level security, forced, on every table with tenant rows (history, ledger and permission tables too);
* composite references (organization, id), because ordinary foreign keys ignore row security;
* append-only triggers on history and on facts that never change, for every role, ENABLE ALWAYS;
* triggers that write the history row of every tracked row that is written, whoever writes it;
* grants of the application's role, which owns nothing.

An app adds its own rules as a list of idempotent statements ``GUARDS`` in ``<app>/guards``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator

from django.apps import apps
from django.db import models

from . import putting_in_place
from .models import TenantForeignKey, TenantModel

APP_ROLE = "releasetrain_app"
THIS_ORGANIZATION = "(select nullif(current_setting('releasetrain.organization', true), '')::uuid)"

FUNCTIONS = [
    """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
]


def tenant_models() -> Iterator[type[models.Model]]:
    """Every concrete model whose rows belong to an organization."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        if (
            issubclass(model, TenantModel)
            or getattr(model, "tenant_table", False)
            or is_history_of_tenant(model)
        ):
            yield model


def is_history_of_tenant(model: type[models.Model]) -> bool:
    tracked = getattr(model, "instance_type", None)
    return tracked is not None and issubclass(tracked, TenantModel)


def is_append_only(model: type[models.Model]) -> bool:
    return bool(getattr(model, "append_only", False)) or is_history_of_tenant(model)


def history_of(model: type[models.Model]) -> type[models.Model] | None:
    """The history model of a tracked model, or None."""
    manager = getattr(model._meta, "simple_history_manager_attribute", None)
    return getattr(model, manager).model if manager else None


def tenant_tables() -> list[str]:
    return [model._meta.db_table for model in tenant_models()]


def _row_security(table: str) -> Iterator[str]:
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
    yield f'DROP POLICY IF EXISTS organization ON "{table}"'
    yield (
        f'CREATE POLICY organization ON "{table}" USING (organization_id = {THIS_ORGANIZATION})'
        f" WITH CHECK (organization_id = {THIS_ORGANIZATION})"
    )


def _trigger(table: str, name: str, definition: str) -> Iterator[str]:
    yield f'DROP TRIGGER IF EXISTS {name} ON "{table}"'
    yield f"CREATE TRIGGER {name} {definition}"
    yield f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER {name}'


def _append_only(table: str) -> Iterator[str]:
    yield from _trigger(
        table,
        "append_only_rows",
        f'BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION refuse_change()',
    )
    yield from _trigger(
        table,
        "append_only_table",
        f'BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
    )


def _history(model: type[models.Model], table: str, history: type[models.Model]) -> Iterator[str]:
    # The database writes history itself, so that no way of writing a row (bulk, raw SQL, a superuser's hand) passes by.
    # Whole statements at once: an import of many rows costs one copy. A function for each table keeps its plan.
    kept = history._meta.db_table
    known = {f.column for f in history._meta.concrete_fields}
    names = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields if f.column and f.column in known)
    function = f"record_history_{table}"[:63]
    yield f'CREATE INDEX IF NOT EXISTS "{kept[:55]}_written" ON "{kept}" (organization_id, id, history_xid)'
    yield from _no_other_index(kept)
    yield f"""
    CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO "{kept}" ({names}, history_date, history_type, history_user_id, history_change_reason, history_request_id, history_xid)
      SELECT {names}, clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' ELSE '~' END,
        nullif(current_setting('releasetrain.user', true), '')::uuid,
        nullif(current_setting('releasetrain.reason', true), ''),
        coalesce(current_setting('releasetrain.request', true), ''),
        ledger_transaction()
      FROM written;
      RETURN NULL;
    END $$
    """
    for name, event in (("history_of_insert", "INSERT"), ("history_of_update", "UPDATE")):
        yield from _trigger(
            table,
            name,
            f'AFTER {event} ON "{table}" REFERENCING NEW TABLE AS written'
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
        )
    yield f'DROP TRIGGER IF EXISTS history_required ON "{table}"'
    yield f"DROP FUNCTION IF EXISTS {f'require_history_{table}'[:63]}()"
    yield from _trigger(
        table, "never_deleted", f'BEFORE DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION refuse_change()'
    )
    yield from _trigger(
        table,
        "never_truncated",
        f'BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
    )


def _no_other_index(history: str) -> Iterator[str]:
    """Indexes that earlier versions made on history tables."""
    yield f"""
    DO $$ DECLARE unwanted text; BEGIN
      FOR unwanted IN SELECT indexrelid::regclass::text FROM pg_index
        WHERE indrelid = '"{history}"'::regclass AND NOT indisunique
          AND indexrelid::regclass::text <> '{history[:55]}_written'
      LOOP EXECUTE 'DROP INDEX ' || unwanted; END LOOP;
    END $$
    """


def _identity(table: str) -> Iterator[str]:
    """The target of composite references, and the index that every list of the organization starts from."""
    name = f"{table[:50]}_org_id"
    yield (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{name}') THEN"
        f' ALTER TABLE "{table}" ADD CONSTRAINT "{name}" UNIQUE (organization_id, id); END IF; END $$'
    )


def _references(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    for field in model._meta.local_fields:
        if not isinstance(field, TenantForeignKey):
            continue
        target = field.remote_field.model._meta.db_table
        name = f"tfk_{table}_{field.column}"[:63]
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{name}') THEN"
            f' ALTER TABLE "{table}" ADD CONSTRAINT "{name}" FOREIGN KEY (organization_id, "{field.column}")'
            f' REFERENCES "{target}" (organization_id, id) DEFERRABLE INITIALLY IMMEDIATE NOT VALID; END IF; END $$'
        )
        # Apart, because looking through what is there holds up nobody; adding the rule does.
        yield (
            f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_constraint WHERE conname = '{name}' AND NOT convalidated) THEN"
            f' ALTER TABLE "{table}" VALIDATE CONSTRAINT "{name}"; END IF; END $$'
        )


def _grant(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    verbs = "SELECT, INSERT, UPDATE, DELETE"
    if is_append_only(model):
        verbs = "SELECT, INSERT"
    elif history_of(model):
        verbs = "SELECT, INSERT, UPDATE"
    yield f'REVOKE ALL ON "{table}" FROM {APP_ROLE}'
    yield f'GRANT {verbs} ON "{table}" TO {APP_ROLE}'


def _other_grants(granted: list[type[models.Model]]) -> Iterator[str]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy and model not in granted:
            yield from _grant(model)
    yield f"GRANT SELECT ON django_migrations TO {APP_ROLE}"


def _own_rules() -> Iterator[str]:
    for config in apps.get_app_configs():
        name = f"{config.name}.guards"
        if config.name != "releasetrain.tenancy" and importlib.util.find_spec(name):
            yield from importlib.import_module(name).GUARDS


def guard_statements() -> Iterator[str]:
    """Every statement, in an order in which they can run while the version before is at work.

    A trigger on a table that it knows may write into a table that it does not know: that one is open to it first, and
    only to its own organization.
    """
    yield from FUNCTIONS
    models_ = list(tenant_models())
    yield f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}"
    for model in models_:
        yield from _row_security(model._meta.db_table)
        yield from _grant(model)
    for model in models_:
        table = model._meta.db_table
        if issubclass(model, TenantModel):
            yield from _identity(table)
        if is_append_only(model):
            yield from _append_only(table)
        history = history_of(model)
        if history:
            yield from _history(model, table, history)
    for model in models_:
        if not is_history_of_tenant(model):
            yield from _references(model)
    yield from _own_rules()
    yield from _other_grants(models_)


def apply_guards() -> int:
    """Put every guard in place (idempotent); returns the number of tenant tables."""
    putting_in_place.put(guard_statements())
    return len(tenant_tables())
