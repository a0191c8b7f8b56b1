"""Verdicts that stand, and the documents that say them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection

from governance.gates import changes_of
from governance.models import Evaluation, Gate, Verdict
from governance.rules.verdicts import combine
from releasetrain.interface import links
from releasetrain.kernel.canonical import digest, plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.scope import require_scope

from .subjects import Subject


def latest(gate: Gate, subject: Subject) -> Evaluation | None:
    """The last settled evaluation of a gate about a subject, standing or not."""
    rows = Evaluation.objects.filter(gate=gate, state__in=[Evaluation.State.DONE, Evaluation.State.DEAD])
    rows = rows.filter(release=subject.release) if subject.release else rows.filter(artifact=subject.artifact)
    return (
        rows.select_related("gate", "gate_version", "environment", "release", "artifact")
        .order_by("-finished_at", "-id")
        .first()
    )


def stands(evaluation: Evaluation) -> bool:
    """Whether the verdict still counts: unexpired, of the version in force, and nothing that it read has changed."""
    if not evaluation.is_settled or evaluation.valid_until is None or evaluation.valid_until <= now():
        return False
    version = evaluation.gate.current_version
    if (
        version is None
        or version.pk != evaluation.gate_version_id
        or evaluation.gate.mode == Gate.Mode.RETIRED
    ):
        return False
    return changes_of(evaluation.subjects) == evaluation.stamp


def standing(ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these evaluations stand, in one query: what `stands` says of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id FROM governance_evaluation e JOIN governance_gate g ON g.id = e.gate_id"
            " AND g.organization_id = e.organization_id WHERE e.organization_id = %s AND e.id = ANY(%s::uuid[])"
            " AND e.state IN ('done', 'dead') AND e.valid_until > %s AND g.mode <> 'retired'"
            " AND e.gate_version_id = (SELECT v.id FROM governance_gateversion v WHERE v.gate_id = g.id"
            " AND v.organization_id = g.organization_id ORDER BY v.number DESC LIMIT 1)"
            " AND e.stamp = (SELECT coalesce(sum(c.weight), 0) FROM governance_inputchange c"
            " WHERE c.organization_id = e.organization_id AND c.subject = ANY(e.subjects))",
            [require_scope().organization_id, [str(each) for each in ids], now()],
        )
        return {row[0] for row in cursor.fetchall()}


def standing_verdict(evaluation: Evaluation) -> str:
    """The verdict as it may be acted upon now: a stale one is pending, whatever it was."""
    if not evaluation.is_settled or not stands(evaluation):
        return Verdict.PENDING.value
    return str(evaluation.verdict)


def answer(evaluations: list[Evaluation]) -> dict[str, Any]:
    """One answer from the settled evaluations of all gates in the way. Advisory gates are shown and hold nothing up.

    Where the only gate that was asked is advisory, the verdict is that gate's.
    """
    binding = [e for e in evaluations if e.gate.mode == Gate.Mode.ACTIVE] or evaluations
    first = evaluations[0]
    return {
        "verdict": combine(str(e.verdict) for e in binding),
        "environment": first.environment.name,
        "release": first.release.key if first.release else None,
        "artifact": first.artifact.digest if first.artifact else None,
        "valid_until": plain(min(e.valid_until for e in binding if e.valid_until)),
        "inputs_digest": first.inputs_digest
        if len(evaluations) == 1
        else digest(sorted(e.inputs_digest for e in evaluations)),
        "gates": [gate_part(e) for e in evaluations],
        "checks": [check for e in evaluations for check in check_parts(e)],
    }


def gate_part(evaluation: Evaluation) -> dict[str, Any]:
    """What one gate says, without its checks."""
    return {
        "gate": evaluation.gate.key,
        "name": evaluation.gate.name,
        "version": evaluation.gate_version.number,
        "advisory": evaluation.gate.mode == Gate.Mode.SHADOW,
        "verdict": evaluation.verdict,
        "inputs_digest": evaluation.inputs_digest,
        "valid_until": plain(evaluation.valid_until),
        "evaluated_at": plain(evaluation.finished_at),
        "evaluation": evaluation.key,
        "href": links.api_url_for(evaluation),
        "page": links.url_for(evaluation),
        "error": evaluation.error,
    }


def check_parts(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The checks of one evaluation, with addresses of their evidence."""
    return [
        {
            "gate": evaluation.gate.key,
            **{
                name: check[name]
                for name in (
                    "name",
                    "kind",
                    "title",
                    "rule",
                    "verdict",
                    "reason",
                    "remedy",
                    "as_of",
                    "valid_until",
                    "waiver",
                )
            },
            "evidence": [
                {**ref, "href": links.api_url_of_ref(Ref(**ref)) or None} for ref in check["evidence"]
            ],
        }
        for check in evaluation.checks
    ]


def dependencies_of(evaluations: list[Evaluation]) -> list[uuid.UUID]:
    """Everything that the evaluations together depend on."""
    return sorted({subject for e in evaluations for subject in e.subjects})
