"""When does a verdict still stand? Counting the changes of everything that an evaluation reads.

Every evaluation names its subjects (organization, gate, environment, release or artifact, services, trains) and how
many changes of them had been counted *before* it read its facts. Whoever changes a fact counts a change of its subject
in the same transaction. An equal count therefore proves that nothing it read has changed, in one indexed read and
without recomputing anything; a change that commits while facts are being read makes the count unequal, which costs one
evaluation too many and never a stale pass.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection

from releasetrain.audit.ledger import Statement
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from releasetrain.tenancy.scope import require_scope

# What a changed object belongs to. A fact about a release, artifact or service concerns exactly those; only a fact
# about none of them concerns a whole environment, and only one without an environment a whole train.
_NARROW = ("release", "artifact", "service", "gate")
_WIDE = ("environment", "train")
# Asking changes nothing that a gate reads, and neither does evidence built about it. Results, and requests for waivers,
# count their own changes, and so do facts of environments: posting a standing report again changes nothing.
_HARMLESS_NOUNS = {
    "control",
    "control_assessment",
    "control_catalogue",
    "control_mapping",
    "disposal",
    "environment_facts",
    "evaluation",
    "event_source",
    "evidence_package",
    "forge_connection",
    "forge_status",
    "grant",
    "inbound_event",
    "legal_hold",
    "retention_policy",
    "service_account",
    "notification",
    "webhook_delivery",
    "webhook_endpoint",
    "metric",
    "runtime_observation",
}
_HARMLESS_VERBS = {"gate.evaluate", "result.post", "artifact.register", "waiver.request"}


def invalidate(
    *,
    release: Any = None,
    artifact: Any = None,
    service: Any = None,
    environment: Any = None,
    train: Any = None,
    gate: Any = None,
    organization: bool = False,
) -> None:
    """Say that facts about these objects (or ids) have changed: verdicts that read them no longer stand."""
    named = [_id(each) for each in (release, artifact, service, environment, train, gate) if each is not None]
    if organization:
        named.append(require_scope().organization_id)
    count_changes(named)


def count_changes(subjects: Iterable[uuid.UUID]) -> None:
    """Count one change of each subject, in the running transaction."""
    counting = _counting(subjects)
    if counting:
        with connection.cursor() as cursor:
            cursor.execute(*counting)


def _counting(subjects: Iterable[uuid.UUID]) -> Statement | None:
    named = list(dict.fromkeys(subjects))
    # Nearly every act of every app comes by here, so it is a function of the database, which keeps its plan.
    statement = "SELECT count_changes(%s, %s, %s::uuid[])"
    return (statement, [require_scope().organization_id, now(), named]) if named else None


def changes_of(subjects: list[uuid.UUID]) -> int:
    """How many changes of these subjects have been counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(weight), 0)::bigint FROM governance_inputchange"
            " WHERE organization_id = %s AND subject = ANY(%s::uuid[])",
            [require_scope().organization_id, [str(s) for s in subjects]],
        )
        return int(cursor.fetchone()[0])


def sum_up() -> int:
    """Fold the counted changes of each subject into one row; the sums stay the same. Returns the rows saved."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH gone AS (DELETE FROM governance_inputchange WHERE organization_id = %(organization)s AND subject IN ("
            "  SELECT subject FROM governance_inputchange WHERE organization_id = %(organization)s"
            "  GROUP BY subject HAVING count(*) > 20) RETURNING subject, weight)"
            " INSERT INTO governance_inputchange (id, organization_id, row_version, created_at, subject, weight)"
            " SELECT gen_random_uuid(), %(organization)s, 1, now(), subject, sum(weight) FROM gone GROUP BY subject"
            " RETURNING 1",
            {"organization": require_scope().organization_id},
        )
        return len(cursor.fetchall())


def changed_by_act(about: Any) -> Statement | None:
    """What rides along with an act of any app: its subject has changed, so verdicts about it no longer stand."""
    return _counting(subjects_of(about))


def changed_by_many(abouts: Iterable[Any]) -> Statement | None:
    """The same for many acts: one change of each subject is as good as several in one transaction."""
    return _counting(subject for about in abouts for subject in subjects_of(about))


def concerns_gates(verb: str) -> bool:
    """Whether acts of this verb may change what a gate reads. When in doubt they do."""
    return verb not in _HARMLESS_VERBS and verb.split(".", 1)[0] not in _HARMLESS_NOUNS


def subjects_of(about: Any) -> list[uuid.UUID]:
    """The subjects that an object is a fact about. What belongs to nothing we know concerns the whole organization."""
    if about is None or not isinstance(about, TenantModel):
        return []
    return list(dict.fromkeys(_belongs_to(about, steps=2))) or [about.organization_id]


def _belongs_to(about: Any, steps: int) -> list[uuid.UUID]:
    """Its own subject, or that of what it refers to: a vote belongs to its change, a root cause to its problem."""
    if about._meta.model_name in (*_NARROW, *_WIDE):
        return [about.pk]
    found = [value for name in _NARROW if (value := getattr(about, f"{name}_id", None))]
    if not found:
        found = [value for name in _WIDE if (value := getattr(about, f"{name}_id", None))][:1]
    if not found and steps:
        references = [f for f in about._meta.concrete_fields if isinstance(f, TenantForeignKey)]
        for reference in references:
            if getattr(about, reference.attname):
                found += _belongs_to(getattr(about, reference.name), steps - 1)
    return found


def _id(value: Any) -> uuid.UUID:
    return value.pk if hasattr(value, "pk") else uuid.UUID(str(value))
