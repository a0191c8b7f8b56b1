"""What waivers were used for: the evaluations that they turned, and what was deployed under them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from governance.models import Waiver
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.scope import require_scope

# The checks of settled evaluations about exactly what each waiver is for, at its gate; the indexes of evaluations by
# release and by artifact answer it.
_USE = """
    SELECT w.id, count(DISTINCT e.id), min(e.finished_at), max(e.finished_at)
    FROM governance_waiver w
    JOIN governance_evaluation e ON e.organization_id = w.organization_id AND e.gate_id = w.gate_id
         AND (e.release_id = w.release_id OR e.artifact_id = w.artifact_id) AND e.state = 'done'
    CROSS JOIN LATERAL jsonb_array_elements(e.checks) AS c
    WHERE w.organization_id = %(organization)s AND c -> 'waiver' ->> 'id' = w.id::text
    GROUP BY w.id
"""
_DEPLOYED = """
    SELECT w.id, count(DISTINCT d.id)
    FROM governance_waiver w
    JOIN governance_gate g ON g.id = w.gate_id AND g.organization_id = w.organization_id
    JOIN trains_deployment d ON d.organization_id = w.organization_id AND d.environment_id = g.environment_id
         AND (d.release_id = w.release_id OR d.artifact_id = w.artifact_id)
         AND d.started_at >= w.decided_at AND d.started_at < w.expires_at AND d.kind <> 'rollback'
    WHERE w.organization_id = %(organization)s AND w.state IN ('granted', 'revoked')
    GROUP BY w.id
"""


@dataclass(frozen=True)
class Line:
    """One waiver and its use."""

    waiver: Waiver
    standing: str
    used: int
    first: datetime | None
    last: datetime | None
    deployments: int


def report() -> list[Line]:
    """Every waiver of the organization, the latest first, with how often it turned a verdict and what went under it."""
    moment = now()
    scope = {"organization": require_scope().organization_id}
    with connection.cursor() as cursor:
        cursor.execute(_USE, scope)
        used = {pk: (count, first, last) for pk, count, first, last in cursor.fetchall()}
        cursor.execute(_DEPLOYED, scope)
        deployed = dict(cursor.fetchall())
    rows = Waiver.objects.select_related("gate", "release", "artifact__service", "requested_by", "granted_by")
    return [
        Line(row, standing(row, moment), *used.get(row.pk, (0, None, None)), deployed.get(row.pk, 0))
        for row in rows.order_by("-created_at", "-id")
    ]


def standing(waiver: Waiver, at: datetime) -> str:
    """Where a waiver stands at the moment: granted ones are in force or expired."""
    if waiver.state == Waiver.State.GRANTED:
        return "in force" if waiver.expires_at > at else "expired"
    return str(waiver.state)


def documents() -> dict[str, Any]:
    """The report as REST gives it."""
    lines = report()
    counts = Counter(line.standing for line in lines)
    return {
        "counts": dict(sorted(counts.items())),
        "used": sum(line.used > 0 for line in lines),
        "waivers": [_document(line) for line in lines],
    }


def _document(line: Line) -> dict[str, Any]:
    waiver = line.waiver
    subject = Ref.of(waiver.subject)
    return {
        "waiver": waiver.key,
        "gate": waiver.gate.key,
        "check": waiver.check_name,
        "subject": {"kind": subject.kind, "id": subject.id, "label": subject.label},
        "standing": line.standing,
        "reason": waiver.reason,
        "risk": waiver.risk,
        "mitigation": waiver.mitigation,
        "requested_by": str(waiver.requested_by),
        "decided_by": str(waiver.granted_by) if waiver.granted_by else None,
        "decided_at": waiver.decided_at,
        "expires_at": waiver.expires_at,
        "evaluations": line.used,
        "first_used_at": line.first,
        "last_used_at": line.last,
        "deployments": line.deployments,
    }
