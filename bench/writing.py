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
    writers = _writers()
    for write in writers:
        _timed(write)
    rounds = [[_timed(write) for write in writers] for _ in range(ROUNDS)]
    action, insert, statement = (median([times[n] for times in rounds]) for n in range(len(writers)))
    return [
        Figure(
            "An action that creates a row (milestone.create)",
            milliseconds(action),
            f"INSERT of the same row by Django in its own transaction: {milliseconds(insert)}",
            action / insert,
            3.0,
            note=f"Medians of {ROUNDS} rounds of {WRITES} writes each, taken in turns; every write commits (fsync on). The action"
            " opens the scope, reads permissions, writes row, history, ledger entry and the change that gates watch for.",
        ),
        Observation(
            "… beside the INSERT as a hand-written statement",
            f"{action / statement:.2f} times {milliseconds(statement)}",
            "The action makes five round trips to the database (begin, scope with permissions, row with its history, ledger entry with"
            " the change count, commit), the bare INSERT three.",
        ),
    ]


def _writers() -> tuple[Callable[[], None], ...]:
    from django.db import connection, models, transaction

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
            create_milestone.alone(actor, train=train, pi=increment, name="Benchmark", on=day)

    fields = Milestone._meta.concrete_fields
    statement = "INSERT INTO {} ({}) VALUES ({})".format(
        TABLE, ", ".join(f'"{f.column}"' for f in fields), ", ".join(["%s"] * len(fields))
    )
    meta = type("Meta", (), {"managed": False, "db_table": TABLE, "app_label": "bench"})
    plain = {f.attname: f.clone() if not f.is_relation else models.UUIDField(null=f.null) for f in fields}
    bare_milestone = type("BareMilestone", (models.Model,), {"__module__": __name__, "Meta": meta, **plain})

    def values() -> dict[str, object]:
        return {
            "id": uuid7(), "organization_id": organization.pk, "row_version": 1, "created_at": now(), "train_id": train.pk,
            "pi_id": increment.pk, "name": "Benchmark", "on": day, "kind": "event",
        }  # fmt: skip

    def by_django() -> None:
        with transaction.atomic():
            bare_milestone(**values()).save(force_insert=True)

    def by_statement() -> None:
        row = values()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [row[f.attname] for f in fields])

    return through_the_doorway, by_django, by_statement


def _timed(write: Callable[[], None]) -> float:
    """Seconds per write."""
    started = time.perf_counter()
    for _ in range(WRITES):
        write()
    return (time.perf_counter() - started) / WRITES
