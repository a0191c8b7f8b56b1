"""One round over everything that may escalate: raise what is due, climb what nobody answers, end what is settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from releasetrain.audit.doorway import Refused
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now

from .actions import escalations as actions
from .models import Escalation, EscalationPolicy
from .queries import escalations as queries
from .rules import escalation as rules


@dataclass
class Round:
    """What one round did."""

    raised: int = 0
    climbed: int = 0
    resolved: int = 0
    lapsed: int = 0


def sweep(actor: Actor) -> Round:
    """Go over every policy of the organization in scope. Two rounds at once do no harm: each act checks again."""
    done = Round()
    policies = EscalationPolicy.objects.select_related("train").prefetch_related("levels")
    open_ones: dict[Any, list[Escalation]] = {}
    for each in Escalation.objects.exclude(state=Escalation.State.RESOLVED).select_related("policy"):
        open_ones.setdefault(each.policy_id, []).append(each)
    for policy in policies:
        mine = open_ones.get(policy.pk, [])
        if policy.retired_at is None or mine:
            _sweep_policy(actor, policy, mine, done)
    return done


def _sweep_policy(actor: Actor, policy: EscalationPolicy, mine: list[Escalation], done: Round) -> None:
    waiting, moment = queries.waiting_of(policy), now()
    for escalation in mine:
        if escalation.subject_id not in waiting:
            done.resolved += _tried(actions.resolve, actor, escalation, note="It no longer waits.")
        elif escalation.state == Escalation.State.ACKNOWLEDGED:
            if escalation.held_until and escalation.held_until <= moment:
                done.lapsed += _tried(actions.lapse, actor, escalation)
        elif escalation.next_at and escalation.next_at <= moment:
            done.climbed += _tried(actions.climb, actor, escalation)
    levels = queries.levels_of(policy)
    if policy.retired_at or not levels:
        return
    escalated = {each.subject_id for each in mine}
    for each in waiting.values():
        due = rules.raised_at(each.since, queries.afters(levels))
        if each.id not in escalated and due is not None and due <= moment:
            done.raised += _tried(actions.raise_escalation, actor, policy=policy, subject_id=each.id)


def _tried(act: Any, actor: Actor, *subject: Any, **params: Any) -> int:
    """1 when it was done; 0 when somebody else was faster."""
    try:
        act(actor, *subject, **params)
    except Refused:
        return 0
    return 1
