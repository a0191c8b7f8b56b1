"""System checks: refuse to start with a role or a table that the guards do not cover."""

from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connection

from .guards import tenant_tables


@register(Tags.database)
def database_is_guarded(databases: Any = None, **kwargs: Any) -> list[Error]:
    """The login role has no way around row security, and every tenant table has it forced."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        superuser, bypass = cursor.fetchone()
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
        )
        guarded = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")
        present = {name for (name,) in cursor.fetchall()}
    errors = []
    if superuser or bypass:
        errors.append(Error("The database role can bypass row-level security.", id="tenancy.E001"))
    for table in sorted((set(tenant_tables()) & present) - guarded):
        errors.append(Error(f"Table {table} has no forced row-level security.", id="tenancy.E002"))
    return errors
