"""Freezes and starts of deployments take turns: one of the two is first, and the other sees it."""

from __future__ import annotations

import uuid

from django.db import connection


def hold_off_freezes(organization_id: uuid.UUID) -> None:
    """No freeze begins until this transaction is over; any number of deployments may start beside it."""
    _lock("pg_advisory_xact_lock_shared", organization_id)


def begin_freezing(organization_id: uuid.UUID) -> None:
    """No deployment starts until this transaction is over; those being started come first."""
    _lock("pg_advisory_xact_lock", organization_id)


def _lock(function: str, organization_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"freezes of {organization_id}"])
