"""Verdicts told to forges: what each commit shall show is worked out anew whenever it is posted, under a lease.

A pass is withdrawn as soon as it no longer stands. Whatever is uncertain is never shown as a success.
"""

from __future__ import annotations

import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from governance.models import Evaluation, Gate, Verdict
from governance.queries import verdicts
from governance.queries.subjects import subject_of
from releasetrain.audit.subscriptions import subscribe
from releasetrain.exchange import forge_calls, sealing, tasks
from releasetrain.exchange.forge_calls import Credential, Refusing
from releasetrain.exchange.hooking import BACK_OFF, BATCH, GIVEN_UP, LEASE, THREADS
from releasetrain.exchange.models import ForgeConnection, ForgeStatus
from releasetrain.exchange.outgoing import Answer
from releasetrain.exchange.rules import forges
from releasetrain.interface.links import url_for
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from releasetrain.tenancy.tasks import enqueue

log = logging.getLogger(__name__)
_KEPT_ATTEMPTS = 30
_SWEPT = 1_000
State = ForgeStatus.State


@subscribe("gate.evaluate", "evaluation.settle", name="forges")
def note_evaluation(entry: Any) -> None:
    """Commits that the evaluation is about shall show it; repeated, it changes nothing."""
    connections = list(ForgeConnection.objects.filter(disabled_at__isnull=True, since__lte=entry.at))
    if connections:
        rows = Evaluation.objects.select_related("gate__environment", "release", "artifact__service__train")
        evaluation = rows.filter(pk=entry.subject_id).first()
        if evaluation is not None and note(evaluation, connections):
            enqueue(tasks.post_statuses_of, evaluation.organization_id)


def note(evaluation: Evaluation, connections: list[ForgeConnection]) -> int:
    """Have its commits show this evaluation at these forges; returns how many states changed. Advisory gates hold up nothing."""
    if evaluation.gate.mode == Gate.Mode.SHADOW:
        return 0
    subject = subject_of(evaluation.release, evaluation.artifact).restricted_to(evaluation.gate)
    changed = 0
    for connection in connections:
        for artifact in subject.artifacts:
            service = artifact.service
            repository = forges.repository_of(
                connection.form,
                connection.host,
                service.name,
                service.repository,
                connection.repositories,
                connection.listed_only,
            )
            if repository and forges.postable(artifact.commit):
                slot = "release" if evaluation.release_id else str(service.pk)
                changed += _show(connection, repository, artifact.commit, slot, evaluation)
    return changed


def _show(
    connection: ForgeConnection, repository: str, commit: str, slot: str, evaluation: Evaluation
) -> bool:
    with transaction.atomic():
        gate = evaluation.gate
        row, _ = ForgeStatus.objects.select_for_update(of=("self",)).get_or_create(
            connection=connection,
            repository=repository,
            commit=commit,
            gate=gate,
            defaults={
                "evaluation": evaluation,
                "context": f"{connection.context}/{gate.environment.name}/{gate.key}",
                "says": "asked",
                "description": forges.ASKED,
                "due_at": now(),
            },
        )
        # Identifiers grow with time: of two evaluations of the same thing the later one counts, in whatever order they are heard of.
        row.answers[slot] = max(row.answers.get(slot, ""), str(evaluation.pk))
        (wanted,) = _wanted([row])
        changed = _take(row, wanted) or row.revision == 0
        if row.revision == 0:
            row.revision = 1
        row.save()
        return changed


@dataclass(frozen=True)
class Wanted:
    """What a commit shall show."""

    says: str
    description: str
    evaluation: Evaluation


def _wanted(rows: list[ForgeStatus]) -> list[Wanted]:
    """What each shall show now, in two queries: of several answers the worst."""
    if not rows:
        return []
    ids = {uuid.UUID(each) for row in rows for each in row.answers.values()}
    known = {
        e.pk: e for e in Evaluation.objects.filter(pk__in=ids).select_related("gate", "release", "artifact")
    }
    standing = verdicts.standing(ids)
    found = []
    for row in rows:
        said = {}
        for each in row.answers.values():
            evaluation = known[uuid.UUID(each)]
            said[_phase(evaluation, standing)] = evaluation
        says = forges.worst(said)
        found.append(Wanted(says, forges.short(_words(says, said[says])), said[says]))
    return found


def _phase(evaluation: Evaluation, standing: set[uuid.UUID]) -> str:
    if not evaluation.is_settled:
        return "asked"
    if evaluation.verdict == Verdict.PASS:
        return "pass" if evaluation.pk in standing else "outdated"
    return str(evaluation.verdict)


def _words(says: str, evaluation: Evaluation) -> str:
    if says == "outdated":
        return forges.OUTDATED
    if says == "asked":
        return forges.ASKED
    name = evaluation.gate.name
    if says == "pass":
        waived = sum(check["verdict"] == Verdict.WAIVED for check in evaluation.checks)
        until = f"{evaluation.valid_until:%d %b %H:%M} UTC"
        return f"{name}: pass until {until}" + (f", {waived} waived" if waived else "")
    if evaluation.error:
        return f"{name}: {evaluation.error}"
    named = ", ".join(check["name"] for check in evaluation.checks if check["verdict"] == says)
    return f"{name}: {says}" + (f" of {named}" if named else "")


def _take(row: ForgeStatus, wanted: Wanted) -> bool:
    """Set what is wanted on the row; True when it is news, which is then due at once."""
    if (row.says, row.description, row.evaluation_id) == (
        wanted.says,
        wanted.description,
        wanted.evaluation.pk,
    ):
        return False
    row.says, row.description, row.evaluation = wanted.says, wanted.description, wanted.evaluation
    row.revision += 1
    row.state, row.due_at, row.attempts = State.WAITING, now(), 0
    return True


def withdraw_outdated(organization_id: uuid.UUID) -> int:
    """Passes that no longer stand are shown as such; returns how many there were."""
    found, last = 0, uuid.UUID(int=0)
    while True:
        with tenant_scope(organization_id, Actor.system(organization_id, "forges")):
            rows = list(ForgeStatus.objects.filter(says="pass", pk__gt=last).order_by("pk")[:_SWEPT])
            standing = verdicts.standing({uuid.UUID(each) for row in rows for each in row.answers.values()})
            fallen = [
                row.pk for row in rows if not {uuid.UUID(each) for each in row.answers.values()} <= standing
            ]
            locked = list(ForgeStatus.objects.select_for_update(of=("self",)).filter(pk__in=fallen))
            for row, wanted in zip(locked, _wanted(locked), strict=True):
                if _take(row, wanted):
                    row.save()
                    found += 1
        if len(rows) < _SWEPT:
            return found
        last = rows[-1].pk


@dataclass(frozen=True)
class Call:
    """One attempt: everything that is needed outside of the database."""

    status_id: uuid.UUID
    connection_id: uuid.UUID
    revision: int
    until: datetime
    credential: Credential
    post: forges.Post


def send_due(organization_id: uuid.UUID) -> int:
    """Post what is due; returns how many states the forges took."""
    taken = 0
    while True:
        lease = uuid.uuid4()
        calls = claim(organization_id, lease)
        for call, answer in zip(calls, send_all(calls), strict=True):
            settle(organization_id, call, lease, answer)
            taken += answer.accepted
        if len(calls) < BATCH:
            return taken


def send_all(calls: list[Call]) -> list[Answer]:
    """Post several states at a time, with one token for each connection."""
    of_connection = {call.connection_id: call for call in calls}
    tokens = {connection: _token(call) for connection, call in of_connection.items()}
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(send, calls, [tokens[call.connection_id] for call in calls]))


def _token(call: Call) -> str | Answer:
    try:
        return forge_calls.token_of(call.post.form, call.post.url, call.credential)
    except Refusing as refusing:
        return refusing.answer


def send(call: Call, token: str | Answer) -> Answer:
    """Post one state, unless so much time has passed that another worker may be at it."""
    if isinstance(token, Answer):
        return token
    if now() >= call.until:
        return Answer(error="This worker was too slow; another one posts.")
    return forge_calls.post(call.post, token)


def claim(organization_id: uuid.UUID, lease: uuid.UUID) -> list[Call]:
    """Take what is due for this worker alone, as it stands at this moment; committed before anything is sent."""
    with tenant_scope(organization_id, Actor.system(organization_id, "forges")):
        moment = now()
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=moment)
        due = ForgeStatus.objects.filter(free, state=State.WAITING, due_at__lte=moment)
        rows = list(
            due.filter(connection__disabled_at__isnull=True)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("connection")
            .order_by("due_at", "id")[:BATCH]
        )
        calls = []
        for row, wanted in zip(rows, _wanted(rows), strict=True):
            _take(row, wanted)
            row.lease, row.claimed_until = lease, moment + LEASE
            row.attempts += 1
            row.save()
            calls.append(_call(row, wanted))
        return calls


def _call(row: ForgeStatus, wanted: Wanted) -> Call:
    connection = row.connection
    assert row.claimed_until is not None
    return Call(
        row.pk,
        connection.pk,
        row.revision,
        row.claimed_until - timedelta(minutes=1),
        Credential(sealing.unseal(connection.sealed_credential), connection.app, connection.installation),
        forges.Post(
            connection.form,
            connection.url,
            row.repository,
            row.commit,
            row.context,
            row.says,
            row.description,
            f"{settings.PUBLIC_URL}{url_for(wanted.evaluation)}",
            str(wanted.evaluation.pk),
        ),
    )


def settle(organization_id: uuid.UUID, call: Call, lease: uuid.UUID, answer: Answer) -> None:
    """Note what came of an attempt, unless another worker has taken it over. What has changed meanwhile stays due."""
    with tenant_scope(organization_id, Actor.system(organization_id, "forges")):
        rows = ForgeStatus.objects.select_for_update(of=("self",)).select_related("connection")
        row = rows.filter(pk=call.status_id, lease=lease).first()
        if row is None:
            return
        moment = now()
        row.lease, row.claimed_until = None, None
        row.log = [
            *row.log,
            {
                "at": plain(moment),
                "says": call.post.says,
                "status": answer.status or None,
                "seconds": answer.seconds,
                "error": answer.error,
                "answer": "" if answer.accepted else answer.text[:500],
            },
        ][-_KEPT_ATTEMPTS:]
        if answer.accepted:
            row.posted, row.posted_at = call.post.says, moment
        if row.revision == call.revision:
            if answer.accepted:
                row.state, row.due_at = State.DELIVERED, None
            elif row.attempts > len(BACK_OFF):
                row.state, row.due_at = State.FAILED, None
            else:
                row.due_at = moment + max(BACK_OFF[row.attempts - 1], timedelta(seconds=answer.retry_after))
        row.save()
        _health(row.connection, answer)


def _health(connection: ForgeConnection, answer: Answer) -> None:
    """A forge that takes nothing for days is called no more until somebody enables it."""
    moment = now()
    if answer.accepted:
        if connection.failing_since is None:
            return
        connection.failing_since = None
    elif connection.failing_since is None:
        connection.failing_since = moment
    elif moment - connection.failing_since > GIVEN_UP:
        connection.disabled_at, connection.disabled_reason = moment, "It took nothing for five days."
    else:
        return
    connection.save()
