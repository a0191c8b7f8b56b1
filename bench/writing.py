"""A write through the doorway (permission, row security, history, ledger) beside the bare INSERT; both commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import psycopg2

from .figures import Figure, Observation, Result, median, milliseconds
from .installation import Installation

TITLE = "Writing"
ROUNDS, WRITES = 9, 40
TABLE = "bench_bare_milestone"


def measure(installation: Installation) -> list[Result]:
    from releasetrain.embedded.provisioning import APPLICATION, DATABASE

    with psycopg2.connect(installation.postgres.url(DATABASE)) as superuser, superuser.cursor() as cursor:
        # Columns, defaults, checks and indexes, but no row security, no references, no triggers.
        cursor.execute(f"CREATE TABLE {TABLE} (LIKE trains_milestone INCLUDING ALL)")
        cursor.execute(f"GRANT SELECT, INSERT ON {TABLE} TO {APPLICATION}")
    superuser.close()
    through_the_doorway, bare = _writers()
    for write in (through_the_doorway, bare):
        _timed(write)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_timed(through_the_doorway))
        theirs.append(_timed(bare))
    action, insert = median(ours), median(theirs)
    return [
        Figure(
            "An action that creates a row (milestone.create)",
            milliseconds(action),
            f"bare INSERT in its own transaction: {milliseconds(insert)}",
            action / insert,
            3.0,
            note=f"Medians of {ROUNDS} rounds of {WRITES} writes each, taken in turns; every write commits (fsync on).",
        ),
        Observation("… writes per second and connection", f"{1 / action:,.0f} actions, {1 / insert:,.0f} bare"),
    ]


def _writers() -> tuple[Callable[[], None], Callable[[], None]]:
    from django.db import connection, transaction

    from releasetrain.accounts.models import User
    from releasetrain.kernel.actor import Actor
    from releasetrain.kernel.clock import now
    from releasetrain.kernel.ids import uuid7
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.milestones import create_milestone
    from trains.models import Milestone, ProgramIncrement, Train

    organization = Organization.objects.get(slug="northwind")
    person = User.objects.get(email="amara.obi@northwind.example")
    day = date(2026, 5, 4)
    with tenant_scope(organization.pk, Actor.system(organization.pk, "bench")):
        train = Train.objects.get(key="PAY")
        increment = ProgramIncrement.objects.filter(train=train).order_by("starts").first()

    def through_the_doorway() -> None:
        # A new actor each time, as each request has one: its permissions are read anew.
        actor = Actor(organization.pk, person.pk, str(person), request_id="bench")
        with tenant_scope(organization.pk, actor):
            create_milestone(actor, train=train, pi=increment, name="Benchmark", on=day)

    columns = [f for f in Milestone._meta.concrete_fields]
    statement = "INSERT INTO {} ({}) VALUES ({})".format(
        TABLE, ", ".join(f'"{f.column}"' for f in columns), ", ".join(["%s"] * len(columns))
    )

    def bare() -> None:
        row = Milestone(id=uuid7(), organization_id=organization.pk, train=train, pi=increment, name="Benchmark", on=day, created_at=now())
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [f.get_db_prep_save(getattr(row, f.attname), connection) for f in columns])

    return through_the_doorway, bare


def _timed(write: Callable[[], None]) -> float:
    """Seconds per write."""
    started = time.perf_counter()
    for _ in range(WRITES):
        write()
    return (time.perf_counter() - started) / WRITES
