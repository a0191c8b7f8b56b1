"""The audit trail over five million entries of one organization: by object, person, verb and time."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import psycopg2

from releasetrain.embedded.provisioning import DATABASE

from .figures import Figure, Observation, Result, milliseconds
from .installation import Installation
from .pages import server_time

TITLE = "Audit trail"
ENTRIES, PEOPLE, OBJECTS = 5_000_000, 400, 600_000
BUDGET = 0.3
_OBJECT = "ffffffff-0000-4000-8000-000000004711"
_PERSON, _VERB = f"00000000-0000-4000-8000-{PEOPLE - 10:012}", "verb.act_119"

# Straight into the table, as its trigger would fill it: what is measured is reading. Verbs and people are as unevenly
# distributed as in life; time runs with the ids over three years.
_FILL = """
INSERT INTO audit_ledgerentry (organization_id, xid, at, verb, actor_id, actor_name, route, subject_kind, subject_id,
                               subject_label, request_id, body, leaf_hash)
SELECT %(organization)s, 1, moment, verb, actor, '', 'api', kind, subject, label, '', body, sha256(body::bytea)
FROM (
    SELECT n, now() - interval '3 years' * (1 - n / %(entries)s::float) AS moment,
           'verb.act_' || (120 * power(u, 3))::int AS verb,
           ('00000000-0000-4000-8000-' || lpad((%(people)s * power(u, 2))::int::text, 12, '0'))::uuid AS actor,
           (ARRAY['train', 'release', 'deployment', 'feature', 'finding'])[1 + object %% 5] AS kind,
           CASE object WHEN 0 THEN %(known)s
                ELSE 'ffffffff-0000-4000-8000-' || lpad(object::text, 12, '0') END AS subject,
           CASE object WHEN 0 THEN 'LEDG' ELSE 'OBJ-' || object END AS label,
           '{"payload":{"changes":{},"params":{"note":"' || repeat('x', 300) || '"}}}' AS body
    FROM (SELECT n, random() AS u, (random() * %(objects)s)::int AS object
          FROM generate_series(1, %(entries)s) AS n) AS drawn
) AS rows
"""


def measure(installation: Installation) -> list[Result]:
    from releasetrain.accounts.catalogue import Role
    from releasetrain.exchange.demo.cast import found
    from releasetrain.kernel.clock import now
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.trains import create_train

    cast = found(
        "bench-ledger",
        "Ledger",
        "UTC",
        [("Auditor", "auditor@bench-ledger.example", (Role.OWNER, Role.AUDITOR, Role.RTE))],
    )
    with tenant_scope(cast.organization.pk, cast.one(Role.RTE)):
        train = create_train(cast.one(Role.RTE), key="LEDG", name="Ledgers", cadence_start=now().date())
    started = time.perf_counter()
    _fill(installation, cast.organization.pk, train.pk)
    filled = time.perf_counter() - started
    person, trail = cast.user(Role.AUDITOR), f"/o/{cast.organization.slug}/audit/"
    day = now().date() - timedelta(days=730)
    results: list[Result] = []
    for what, query in (
        ("the newest", ""),
        ("by an object's key", "?q=LEDG"),
        ("by object", f"?kind=release&subject={_OBJECT}"),
        ("by a part of a name, in the newest 100,000", "?q=471147"),
        ("by person, one who did little", f"?actor={_PERSON}"),
        ("by verb, a rare one", f"?verb={_VERB}"),
        ("by time, a day two years ago", f"?since={day}&until={day + timedelta(days=1)}"),
        ("by person and time", f"?actor={_PERSON}&since={day}&until={day + timedelta(days=31)}"),
        ("by verb and time", f"?verb={_VERB}&since={day}&until={day + timedelta(days=31)}"),
        (
            "by person, verb and time",
            f"?actor={_PERSON}&verb={_VERB}&since={day}&until={day + timedelta(days=31)}",
        ),
    ):
        taken, _ = server_time(person, trail + query)
        results.append(Figure(what, milliseconds(taken), milliseconds(BUDGET), taken / BUDGET, 1.0))
    results.append(Observation(f"Writing the {ENTRIES:,} entries straight into the table", f"{filled:.0f} s"))
    return results


def _fill(installation: Installation, organization_id: Any, known: Any) -> None:
    """A ledger with its usual indexes and statistics; one of its objects is there in truth."""
    values = {"organization": str(organization_id), "entries": ENTRIES, "people": PEOPLE, "objects": OBJECTS}
    connection = psycopg2.connect(installation.postgres.url(DATABASE, "postgres"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("ALTER TABLE audit_ledgerentry DISABLE TRIGGER ledger_body")
            cursor.execute(_FILL, {**values, "known": str(known)})
            cursor.execute("ALTER TABLE audit_ledgerentry ENABLE ALWAYS TRIGGER ledger_body")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE audit_ledgerentry")
    finally:
        connection.close()
