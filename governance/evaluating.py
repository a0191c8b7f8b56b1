"""Working off evaluations: claimed under a lease, judged, and written only by whoever still holds the lease.

Three transactions. The claim is committed first, so that an attempt counts even if the worker dies in the next moment;
the facts are read in the second; the verdict is written in the third, on the condition that the lease still stands.
A worker that was taken for dead finds its lease gone and writes nothing.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from governance.checks.context import CheckContext
from governance.checks.runner import ERROR_STANDS, Record, run_checks
from governance.gates import changes_of
from governance.models import Evaluation, Verdict
from governance.queries.subjects import Subject, subject_of
from governance.queries.waivers import waivers_in_force
from governance.rules.verdicts import combine
from releasetrain.audit import ledger
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest, plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7
from releasetrain.tenancy.scope import require_scope, tenant_scope

log = logging.getLogger(__name__)

# Longer than a worker may take (see governance.tasks), so that no living worker loses its lease.
LEASE = timedelta(seconds=150)
MOST_ATTEMPTS = 3

_State = Evaluation.State


@dataclass(frozen=True)
class Judgement:
    """What one evaluation came to."""

    verdict: str
    checks: list[Record]
    inputs_digest: str
    valid_until: datetime
    subjects: list[uuid.UUID]
    stamp: int


def work_off(organization_id: uuid.UUID, evaluation_id: uuid.UUID) -> str | None:
    """Evaluate if there is work and nobody else is at it; returns the verdict written, or None."""
    actor = Actor.system(organization_id, "gate evaluation")
    with tenant_scope(organization_id, actor):
        lease = claim(evaluation_id)
    if lease is None:
        return None
    with tenant_scope(organization_id, actor):
        judgement = judge(
            Evaluation.objects.select_related("gate", "gate_version", "environment").get(pk=evaluation_id)
        )
    with tenant_scope(organization_id, actor):
        return judgement.verdict if settle(actor, evaluation_id, lease, judgement) else None


def claim(evaluation_id: uuid.UUID) -> uuid.UUID | None:
    """Take the work if it is free: queued, or left by a worker whose lease has run out. Compare-and-set."""
    moment, lease = now(), uuid7()
    taken = (
        _free(moment)
        .filter(pk=evaluation_id, attempts__lt=MOST_ATTEMPTS)
        .update(state=_State.RUNNING, lease=lease, claimed_until=moment + LEASE, attempts=F("attempts") + 1)
    )
    return lease if taken else None


def judge(evaluation: Evaluation) -> Judgement:
    """Read the facts and judge them. The count of changes is read before the first fact."""
    at = now()
    whole = subject_of(evaluation.release, evaluation.artifact)
    # What the subject depends on is read first and counted then; a build attached meanwhile counts on the release.
    subjects = whole.dependencies(evaluation.gate)
    stamp = changes_of(subjects)
    subject = subject_of(evaluation.release, evaluation.artifact).restricted_to(evaluation.gate)
    specs = evaluation.gate_version.checks
    checks = run_checks(
        specs, _context(evaluation, subject, at), waivers_in_force(evaluation.gate, subject, at, specs)
    )
    verdict = combine(check["verdict"] for check in checks)
    ends = [datetime.fromisoformat(check["valid_until"]) for check in checks]
    return Judgement(
        verdict=verdict,
        checks=checks,
        inputs_digest=inputs_digest(evaluation, checks),
        valid_until=min(ends, default=at + ERROR_STANDS),
        subjects=subjects,
        stamp=stamp,
    )


def inputs_digest(evaluation: Evaluation, checks: list[Record]) -> str:
    """SHA-256 over the canonical JSON of what the verdict follows from: gate version, subject, facts, waivers."""
    return digest(
        {
            "gate": str(evaluation.gate_id),
            "gate_version": evaluation.gate_version.number,
            "checks_digest": evaluation.gate_version.digest,
            "environment": str(evaluation.environment_id),
            "subject": str(evaluation.release_id or evaluation.artifact_id),
            "facts": {
                c["name"]: {"facts": c["facts"], "as_of": c["as_of"], "verdict": c["verdict"]} for c in checks
            },
            "waivers": sorted(c["waiver"]["id"] for c in checks if c["waiver"]),
        }
    )


def _context(evaluation: Evaluation, subject: Subject, at: datetime) -> CheckContext:
    return CheckContext(
        organization_id=require_scope().organization_id,
        gate=evaluation.gate,
        environment=evaluation.environment,
        release=evaluation.release,
        artifacts=subject.artifacts,
        services=subject.services,
        at=at,
        max_age=timedelta(0),
    )


def settle(actor: Actor, evaluation_id: uuid.UUID, lease: uuid.UUID, judgement: Judgement) -> bool:
    """Write the verdict if the lease still stands; False when somebody else has taken the work over."""
    written = Evaluation.objects.filter(pk=evaluation_id, state=_State.RUNNING, lease=lease).update(
        state=_State.DONE,
        verdict=judgement.verdict,
        checks=judgement.checks,
        inputs_digest=judgement.inputs_digest,
        valid_until=judgement.valid_until,
        subjects=judgement.subjects,
        stamp=judgement.stamp,
        finished_at=now(),
        claimed_until=None,
    )
    if not written:
        log.warning("evaluation %s was taken over by another worker; this verdict is dropped", evaluation_id)
        return False
    _enter(actor, evaluation_id)
    return True


def give_up(actor: Actor, evaluation_id: uuid.UUID) -> bool:
    """End work that has failed as often as it may: the verdict is error, never pass."""
    moment = now()
    given_up = (
        _free(moment)
        .filter(pk=evaluation_id, attempts__gte=MOST_ATTEMPTS)
        .update(
            state=_State.DEAD,
            verdict=Verdict.ERROR,
            error=f"No worker finished it in {MOST_ATTEMPTS} attempts.",
            finished_at=moment,
            valid_until=moment + ERROR_STANDS,
            claimed_until=None,
        )
    )
    if given_up:
        _enter(actor, evaluation_id)
    return bool(given_up)


def _free(moment: datetime) -> Any:
    return Evaluation.objects.filter(
        Q(state=_State.QUEUED) | Q(state=_State.RUNNING, claimed_until__lte=moment)
    )


def _enter(actor: Actor, evaluation_id: uuid.UUID) -> None:
    """One ledger entry per verdict, so that it is sealed with everything else."""
    done = Evaluation.objects.select_related("gate", "gate_version").get(pk=evaluation_id)
    ledger.append(
        actor,
        "evaluation.settle",
        done,
        {
            "gate": done.gate.key,
            "gate_version": done.gate_version.number,
            "release": str(done.release_id) if done.release_id else None,
            "artifact": str(done.artifact_id) if done.artifact_id else None,
            "verdict": done.verdict,
            "inputs_digest": done.inputs_digest,
            "valid_until": plain(done.valid_until),
            "checks": [{"name": c["name"], "verdict": c["verdict"]} for c in done.checks],
        },
    )


def overdue(older_than: timedelta) -> list[tuple[uuid.UUID, int]]:
    """Work that nobody is at: (id, attempts) of what waits longer than this or whose worker has vanished."""
    moment = now()
    waiting = Q(state=_State.QUEUED, requested_at__lte=moment - older_than)
    left = Q(state=_State.RUNNING, claimed_until__lte=moment)
    return list(
        Evaluation.objects.filter(waiting | left).order_by("requested_at").values_list("pk", "attempts")[:500]
    )
