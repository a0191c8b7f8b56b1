"""As the application's role, raw SQL sees and touches nothing of another organization. Every tenant table is tried."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from releasetrain.accounts.models import Grant, Scope
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.guards import tenant_tables
from releasetrain.tenancy.scope import OutsideScope, tenant_scope


def rows_of(table: str, condition: str = "true") -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {condition}')
        count: int = cursor.fetchone()[0]
    return count


@pytest.mark.django_db
def test_no_scope_no_rows(northwind: Any) -> None:
    assert {table: rows_of(table) for table in tenant_tables()} == dict.fromkeys(tenant_tables(), 0)


@pytest.mark.django_db
def test_nothing_of_another_organization_is_seen(cast: Any, contoso: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert rows_of("accounts_grant") > 10
        seen = {t: rows_of(t, f"organization_id <> '{cast.organization.pk}'") for t in tenant_tables()}
    assert seen == dict.fromkeys(tenant_tables(), 0)


@pytest.mark.django_db
def test_nothing_of_another_organization_can_be_changed(cast: Any, other_cast: Any) -> None:
    with tenant_scope(other_cast.organization.pk, other_cast["owner"]):
        foreign = Grant.objects.first()
    with tenant_scope(cast.organization.pk, cast["owner"]), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_grant SET role = 'owner' WHERE id = %s", [foreign.pk])
        assert cursor.rowcount == 0


@pytest.mark.django_db
def test_a_row_cannot_be_planted_in_another_organization(cast: Any, contoso: Any) -> None:
    with (
        tenant_scope(cast.organization.pk, cast["owner"]),
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
    ):
        Scope(organization=contoso, kind="train", object_id=contoso.pk, label="planted").save()


@pytest.mark.django_db
def test_another_organizations_row_cannot_be_referenced(cast: Any, other_cast: Any) -> None:
    with tenant_scope(other_cast.organization.pk, other_cast["owner"]):
        foreign = Scope.objects.first()
    with (
        tenant_scope(cast.organization.pk, cast["owner"]),
        pytest.raises(DatabaseError, match="foreign key"),
        transaction.atomic(),
    ):
        Grant(user=cast.user("rte"), role="executive", scope_id=foreign.pk).save()


@pytest.mark.django_db
def test_the_orm_refuses_outside_a_scope(northwind: Any) -> None:
    with pytest.raises(OutsideScope):
        Grant.objects.count()


@pytest.mark.django_db
def test_a_scope_leaves_nothing_behind(cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        pass
    assert rows_of("accounts_grant") == 0


def test_a_commit_leaves_nothing_behind(committed_db: Any, cast: Any) -> None:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert Grant.objects.exists()
    assert rows_of("accounts_grant") == 0


@pytest.mark.django_db
def test_scopes_of_two_organizations_do_not_nest(cast: Any, contoso: Any) -> None:
    inner = Actor.system(contoso.pk, "test")
    with (
        tenant_scope(cast.organization.pk, cast["owner"]),
        pytest.raises(OutsideScope),
        tenant_scope(contoso.pk, inner),
    ):
        pass


@pytest.mark.django_db
def test_every_tenant_table_has_forced_row_security_and_the_role_no_way_around(northwind: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
        )
        guarded = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'organization_id' AND table_schema = 'public'"
        )
        with_tenant = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False)
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
        )
        assert cursor.fetchone() == (0,)
    # Read before a scope exists, each by one narrow query.
    before_scope = {"accounts_membership", "accounts_apitoken", "exchange_signindomain"}
    assert with_tenant - guarded == before_scope
    assert set(tenant_tables()) <= guarded
