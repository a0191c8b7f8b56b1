"""Replays: a set of checks asked again about past releases, as of the moment each was deployed.

Each check of each release is answered in the first way that can be trusted, and refused where there is none:

recorded  the gate itself was asked then, about the same kind with the same parameters
dated     the kind reads only facts that carry their moment, so it is asked again as of that moment
rejudged  the facts recorded then are judged by the new parameters
gone      neither: the inputs of that moment are no longer known, and the check says nothing

Waivers are left out on both sides: what is compared are rules.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from governance.checks import registry
from governance.checks.context import CheckContext
from governance.checks.runner import run_checks
from governance.models import Evaluation, Gate, Replay, Result
from governance.outcomes import became_of
from governance.queries.subjects import Subject, meets, subject_of
from governance.rules.confusion import FALSE_ALARM, classed, flip, judged, stops, summary
from governance.rules.verdicts import combine
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.ids import uuid7
from releasetrain.tenancy.scope import require_scope, tenant_scope
from trains.models import Deployment

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=660)
MOST_ATTEMPTS = 3
_LATER_LOOKS = 5
_State = Replay.State


@dataclass(frozen=True)
class Passage:
    """A release, or a build of none, as it entered the gate's environment."""

    subject: Subject
    at: datetime
    deployments: list[Deployment]


def passages(gate: Gate, starts: datetime, ends: datetime, most: int) -> list[Passage]:
    """What passed by the gate in [starts, ends), the latest first; rollbacks pass no gate."""
    rows = Deployment.objects.filter(
        environment=gate.environment_id, started_at__gte=starts, started_at__lt=ends
    )
    rows = rows.exclude(state=Deployment.State.RUNNING).exclude(kind=Deployment.Kind.ROLLBACK)
    rows = rows.filter(Q(release__isnull=False) | Q(artifact__isnull=False))
    if gate.service_id:
        rows = rows.filter(service=gate.service_id)
    elif gate.train_id:
        rows = rows.filter(Q(release__train=gate.train_id) | Q(service__train=gate.train_id))
    groups: dict[uuid.UUID, list[Deployment]] = {}
    listed = rows.select_related(
        "service__train", "environment", "release__train", "artifact__service__train"
    )
    for deployment in listed.order_by("-started_at", "-id").iterator(chunk_size=500):
        key = deployment.release_id or deployment.artifact_id
        assert key is not None  # filtered above
        if key in groups or len(groups) < most:
            groups.setdefault(key, []).append(deployment)
    found = []
    for deployments in groups.values():
        first = deployments[-1]
        subject = subject_of(first.release, None if first.release else first.artifact)
        if meets(gate, subject):
            found.append(Passage(subject, first.started_at, deployments))
    return found


def replayed(
    gate: Gate, checks: list[dict[str, Any]], starts: datetime, ends: datetime, most: int
) -> list[dict[str, Any]]:
    """One row for each past release: the verdict then, the verdict of these checks, and what became of it."""
    listed = passages(gate, starts, ends, most)
    outcomes = became_of({p.subject.object.pk: p.deployments for p in listed})
    return [_row(gate, checks, passage, outcomes[passage.subject.object.pk], ends) for passage in listed]


def _row(
    gate: Gate, checks: list[dict[str, Any]], passage: Passage, outcome: Any, ends: datetime
) -> dict[str, Any]:
    own = _said(gate, passage.subject, passage.at)
    before = _without_waivers(own) if own else None
    binding = _binding(gate, passage.subject, passage.at)
    cells = [_cell(gate, spec, passage, own) for spec in checks]
    after = judged(c["verdict"] for c in cells)
    kind = classed(after, outcome.bad)
    stopping = [spec for spec, c in zip(checks, cells, strict=True) if stops(c["verdict"])]
    delay = _delay(gate, stopping, passage, ends) if kind == FALSE_ALARM else None
    subject = passage.subject.object
    row: dict[str, Any] = plain(
        {
            "kind": subject._meta.model_name,
            "id": str(subject.pk),
            "label": str(subject),
            "at": passage.at,
            "before": before,
            "evaluation": own.key if own else None,
            "binding": binding,
            "after": after,
            "flip": flip(before or binding, after),
            "class": kind,
            "bad": outcome.bad,
            "outcome": outcome.sentence,
            "incidents": [{"kind": r.kind, "id": r.id, "label": r.label} for r in outcome.incidents],
            "deployments": [str(d.pk) for d in outcome.deployments],
            "delay_hours": delay,
            "checks": cells,
        }
    )
    return row


def _said(gate: Gate, subject: Subject, at: datetime) -> Evaluation | None:
    """What the gate had said last when the deployment started."""
    rows = Evaluation.objects.filter(gate=gate, state__in=[Evaluation.State.DONE, Evaluation.State.DEAD])
    rows = rows.filter(release=subject.release) if subject.release else rows.filter(artifact=subject.artifact)
    return (
        rows.filter(finished_at__lte=at)
        .select_related("gate_version")
        .order_by("-finished_at", "-id")
        .first()
    )


def _without_waivers(evaluation: Evaluation) -> str:
    if not evaluation.checks:
        return str(evaluation.verdict)
    return combine(_bare(c) for c in evaluation.checks)


def _bare(record: dict[str, Any]) -> str:
    """The verdict of a check as if nobody had waived it."""
    return str(record["waiver"]["covers"]) if record.get("waiver") else str(record["verdict"])


def _binding(gate: Gate, subject: Subject, at: datetime) -> str | None:
    """What the binding gates before the environment had said, all together; None when one of them never spoke."""
    from governance.queries.subjects import gates_before

    said = [
        _said(each, subject, at)
        for each in gates_before(gate.environment, subject)
        if each.mode == Gate.Mode.ACTIVE
    ]
    known = [_without_waivers(e) for e in said if e is not None]
    return combine(known) if known and len(known) == len(said) else None


def _cell(gate: Gate, spec: dict[str, Any], passage: Passage, own: Evaluation | None) -> dict[str, Any]:
    """One check of one release: its verdict, in which way it was found, and why."""
    kind = registry.find(spec["kind"])
    recorded = _recorded(spec, own)
    if recorded is not None and _same(spec, own, recorded):
        return _cell_of(spec, "recorded", _bare(recorded), recorded["reason"])
    if kind is not None and kind.dated and _answerable(kind, passage):
        record = _asked(gate, spec, passage.subject, passage.at)
        if not (record["verdict"] == "pending" and not record["evidence"]):
            return _cell_of(spec, "dated", record["verdict"], record["reason"])
    if kind is not None and kind.rejudge is not None and recorded is not None:
        said = _rejudged(kind, spec, recorded, passage.at)
        if said is not None:
            return _cell_of(spec, "rejudged", *said)
    return _cell_of(spec, "gone", None, "What this check read then is no longer known.")


def _cell_of(spec: dict[str, Any], how: str, verdict: str | None, reason: str) -> dict[str, Any]:
    return {
        "name": spec["name"],
        "kind": spec["kind"],
        "how": how,
        "verdict": verdict,
        "reason": reason[:300],
    }


def _recorded(spec: dict[str, Any], own: Evaluation | None) -> dict[str, Any] | None:
    """What the gate recorded then of a check of this kind: the one of this name, or the only one."""
    if own is None:
        return None
    same = [c for c in own.checks if c["kind"] == spec["kind"]]
    named = [c for c in same if c["name"] == spec["name"]]
    return (named or (same if len(same) == 1 else [None]))[0]


def _same(spec: dict[str, Any], own: Evaluation | None, recorded: dict[str, Any]) -> bool:
    """Whether the gate asked then just what the candidate asks."""
    if own is None:
        return False
    then = next((c for c in own.gate_version.checks if c["name"] == recorded["name"]), None)
    wanted = ("kind", "parameters", "max_age_hours")
    return then is not None and all(then[name] == spec[name] for name in wanted)


def _answerable(kind: registry.CheckKind, passage: Passage) -> bool:
    """A question about builds has no answer where no build is on record."""
    return kind.subject != "artifact" or bool(passage.subject.artifacts)


def _asked(gate: Gate, spec: dict[str, Any], subject: Subject, at: datetime) -> dict[str, Any]:
    seen = subject.restricted_to(gate)
    context = CheckContext(
        organization_id=require_scope().organization_id,
        gate=gate,
        environment=gate.environment,
        release=subject.release,
        artifacts=seen.artifacts,
        services=seen.services,
        at=at,
        max_age=timedelta(0),
    )
    return run_checks([spec], context, [])[0]


def _rejudged(
    kind: registry.CheckKind, spec: dict[str, Any], recorded: dict[str, Any], at: datetime
) -> tuple[str, str] | None:
    assert kind.rejudge is not None  # asked for by the caller
    try:
        verdict = kind.rejudge(recorded["facts"], **kind.clean(spec["parameters"]))
    except (KeyError, TypeError, ValueError):
        return None  # recorded by an earlier edition of the kind, which kept other facts
    if verdict is None:
        return None
    as_of = recorded.get("as_of")
    limit = timedelta(hours=float(spec["max_age_hours"]))
    if verdict == "pass" and as_of and datetime.fromisoformat(as_of) + limit <= at:
        return "fail", "Stale by the candidate's age limit."
    return verdict, f"By the facts recorded then ({recorded['reason'][:200]})"


def _delay(gate: Gate, stopping: list[dict[str, Any]], passage: Passage, ends: datetime) -> float | None:
    """Hours until every check that stopped it would have passed; None where that cannot be said."""
    moments = [_passes_at(gate, spec, passage, ends) for spec in stopping]
    if not moments or any(m is None for m in moments):
        return None
    return round(max((m - passage.at).total_seconds() for m in moments if m is not None) / 3600, 2)


def _passes_at(gate: Gate, spec: dict[str, Any], passage: Passage, ends: datetime) -> datetime | None:
    """The first later moment, of those at which something it reads changed, when the check passes."""
    kind = registry.find(spec["kind"])
    if kind is None or not kind.dated:
        return _recorded_pass(gate, spec, passage, ends)
    arrivals = Result.objects.filter(
        artifact__in=[a.pk for a in passage.subject.artifacts],
        reported_at__gt=passage.at,
        reported_at__lt=ends,
    )
    later = list(arrivals.order_by("reported_at").values_list("reported_at", flat=True)[: _LATER_LOOKS * 4])
    at, looks = passage.at, 0
    while looks < _LATER_LOOKS:
        record = _asked(gate, spec, passage.subject, at)
        if record["verdict"] == "pass":
            return at
        until = datetime.fromisoformat(record["valid_until"]) if record["valid_until"] else None
        ahead = [m for m in (*later, until) if m is not None and at < m < ends]
        if not ahead:
            return None
        at, looks = min(ahead), looks + 1
    return None


def _recorded_pass(gate: Gate, spec: dict[str, Any], passage: Passage, ends: datetime) -> datetime | None:
    subject = passage.subject
    rows = Evaluation.objects.filter(gate=gate, state=Evaluation.State.DONE)
    rows = rows.filter(release=subject.release) if subject.release else rows.filter(artifact=subject.artifact)
    for row in rows.filter(finished_at__gt=passage.at, finished_at__lt=ends).order_by("finished_at")[:20]:
        if any(c["name"] == spec["name"] and _bare(c) == "pass" for c in row.checks):
            return row.finished_at
    return None


def work_off(organization_id: uuid.UUID, replay_id: uuid.UUID) -> bool:
    """Replay if there is work and nobody else is at it; whether the result was written."""
    actor = Actor.system(organization_id, "gate replay")
    with tenant_scope(organization_id, actor):
        lease = claim(replay_id)
    if lease is None:
        return False
    with tenant_scope(organization_id, actor):
        return finish(replay_id, lease)


def finish(replay_id: uuid.UUID, lease: uuid.UUID) -> bool:
    """Replay, and write the rows if the lease still stands."""
    replay = Replay.objects.select_related("gate__environment").get(pk=replay_id)
    rows = replayed(replay.gate, replay.checks, replay.starts, replay.ends, replay.most)
    written = Replay.objects.filter(pk=replay_id, state=_State.RUNNING, lease=lease).update(
        state=_State.DONE, rows=rows, counts=summary(rows), finished_at=now(), claimed_until=None
    )
    return bool(written)


def claim(replay_id: uuid.UUID) -> uuid.UUID | None:
    """Take the work if it is free. Compare-and-set."""
    moment, lease = now(), uuid7()
    taken = (
        _free(moment)
        .filter(pk=replay_id, attempts__lt=MOST_ATTEMPTS)
        .update(state=_State.RUNNING, lease=lease, claimed_until=moment + LEASE, attempts=F("attempts") + 1)
    )
    return lease if taken else None


def give_up(replay_id: uuid.UUID) -> bool:
    """End work that has failed as often as it may; it says nothing then."""
    rows = _free(now()).filter(pk=replay_id, attempts__gte=MOST_ATTEMPTS)
    said = f"No worker finished it in {MOST_ATTEMPTS} attempts."
    return bool(rows.update(state=_State.DEAD, error=said, finished_at=now(), claimed_until=None))


def overdue(older_than: timedelta) -> list[tuple[uuid.UUID, int]]:
    """Work that nobody is at: (id, attempts)."""
    moment = now()
    waiting = Q(state=_State.QUEUED, requested_at__lte=moment - older_than)
    left = Q(state=_State.RUNNING, claimed_until__lte=moment)
    return list(
        Replay.objects.filter(waiting | left).order_by("requested_at").values_list("pk", "attempts")[:100]
    )


def _free(moment: datetime) -> Any:
    return Replay.objects.filter(Q(state=_State.QUEUED) | Q(state=_State.RUNNING, claimed_until__lte=moment))
