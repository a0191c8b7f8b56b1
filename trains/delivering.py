"""One round over what delivery does by itself: rollouts, rollback plans and drills, each in a transaction of its own.

A round may come twice or end anywhere: whatever one turn does is committed whole or not at all, and the next round
decides anew from what is on record.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import models

from releasetrain.audit.doorway import Refused
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope

from .actions import canary, failure_drills, rollback_plans, rollouts
from .models import Deployment, FailureDrill, RollbackPlan, Rollout, Service
from .queries import rollouts as standing
from .queries.measured import crossing
from .rules import rollback_plans as plan_rules
from .rules import rollback_thresholds as thresholds
from .rules.rollouts import Act

log = logging.getLogger(__name__)

# A rollback that the platform does not confirm is told again, so often; then it waits for a person.
MOST_TELLINGS = 20
_ACTS = {
    Act.HOLD: rollouts.halt,
    Act.GO_ON: rollouts.go_on,
    Act.ADVANCE: rollouts.step_up,
    Act.COMPLETE: rollouts.complete,
    Act.ROLL_BACK: rollouts.go_back,
}


def advance(organization_id: uuid.UUID) -> int:
    """One round over an organization; how many acts it took."""
    done = 0
    kinds: tuple[tuple[type[models.Model], tuple[str, ...], Callable[[Actor, Any], int]], ...] = (
        (Rollout, ("running", "held", "rolling_back"), lead_on),
        (RollbackPlan, ("authorised", "running"), carry_out),
        (FailureDrill, ("running",), conclude),
    )
    for model, states, turn in kinds:
        actor = Actor.system(organization_id, f"{model._meta.verbose_name} round")
        with tenant_scope(organization_id, actor):
            ids = list(
                model._default_manager.filter(state__in=states).order_by("pk").values_list("pk", flat=True)
            )
        done += sum(_turn(organization_id, actor, model, pk, turn) for pk in ids)
    return done


def _turn(
    organization_id: uuid.UUID,
    actor: Actor,
    model: type[models.Model],
    pk: Any,
    turn: Callable[[Actor, Any], int],
) -> int:
    """One row in one transaction; whoever works on it already keeps it."""
    try:
        with tenant_scope(organization_id, actor):
            rows = model._default_manager.select_for_update(of=("self",), skip_locked=True)
            row = rows.filter(pk=pk).first()
            return turn(actor, row) if row is not None else 0
    except Exception:  # one row that cannot go on must not stop the others
        log.exception("the turn of %s %s failed; the next round tries again", model._meta.model_name, pk)
        return 0


def lead_on(actor: Actor, rollout: Rollout) -> int:
    """Judge what is due, and do what comes next of one rollout."""
    if rollout.state == Rollout.State.ROLLING_BACK:
        return _tell_again(actor, rollout)
    done = _judge(actor, rollout)
    rollout.refresh_from_db()
    act = _ACTS.get(standing.next_act(rollout).act)
    return done + (_tried(act, actor, rollout) if act else 0)


def _judge(actor: Actor, rollout: Rollout) -> int:
    """Analyses of the present step that are due, put on record."""
    due = [c for c in standing.configs_of(rollout) if standing.analysis_due(rollout, c.key)]
    sides = standing.sides_of(rollout) if due else None
    if sides is None:
        return 0
    baseline, new = sides
    done = 0
    for config in due:
        try:
            analysis = canary.analyse(
                actor,
                config=config,
                service=rollout.service,
                environment=rollout.environment,
                release=rollout.release,
                canary_labels=dict(new.labels),
                baseline_labels=dict(baseline.labels),
                start=new.start,
                end=new.end,
                baseline_start=baseline.start,
                baseline_end=baseline.end,
            )
        except Refused as refused:
            log.warning("%s cannot be judged by %s: %s", rollout, config, refused)
            continue
        done += _tried(rollouts.note_analysis, actor, rollout, analysis=analysis)
    return done


def _tell_again(actor: Actor, rollout: Rollout) -> int:
    """A rollback must arrive: a platform that does not answer is told again."""
    command = standing.awaiting(rollout)
    if command is None or command.due_at >= now() or command.sent_times >= MOST_TELLINGS:
        return 0
    return _tried(rollouts.resend_command, actor, command)


def carry_out(actor: Actor, plan: RollbackPlan) -> int:
    """Trigger an authorised plan that was measured so; lead on a running one."""
    if plan.state == RollbackPlan.State.AUTHORISED:
        return _trigger(actor, plan)
    done = _settle(actor, plan)
    plan.refresh_from_db()
    done += _answer(actor, plan)
    plan.refresh_from_db()
    if plan.state == RollbackPlan.State.RUNNING:
        rollback_plans.go_on(actor, plan, {})
    return done


def _trigger(actor: Actor, plan: RollbackPlan) -> int:
    for said in plan.triggers:
        threshold = thresholds.stored(said)
        service = Service.objects.get(pk=said["service"])
        measured = crossing(threshold, service, plan.environment, plan.authorised_at)
        if measured:
            return _tried(
                rollback_plans.trigger_plan,
                actor,
                plan,
                service=service,
                metric=threshold.metric,
                value=measured.value,
                minutes=threshold.minutes,
            )
    return 0


def _settle(actor: Actor, plan: RollbackPlan) -> int:
    """Rollbacks that ended without the plan having been told."""
    waiting = [s for s in plan.steps if s["state"] == plan_rules.RUNNING]
    return sum(
        _tried(rollback_plans.settle_step, actor, plan, service=Service.objects.get(pk=s["service"]))
        for s in waiting
    )


def _answer(actor: Actor, plan: RollbackPlan) -> int:
    """Validations that are thresholds are answered from what was measured; what does not hold yet stays open."""
    done = 0
    sides = {plan_rules.VALIDATING: plan_rules.BEFORE, plan_rules.VERIFYING: plan_rules.AFTER}
    for step in plan.steps:
        for number, question in enumerate(step.get(sides.get(step["state"], ""), []), 1):
            threshold = thresholds.read(question["question"]) if question["ok"] is None else None
            if threshold is None:
                continue
            service = Service.objects.get(pk=step["service"])
            measured = crossing(threshold, service, plan.environment, _since(plan, step))
            if measured:
                done += _tried(
                    rollback_plans.validate,
                    actor,
                    plan,
                    service=service,
                    question=number,
                    ok=True,
                    note=str(measured),
                )
    return done


def _since(plan: RollbackPlan, step: dict[str, Any]) -> Any:
    """What was measured before the rollback of the service ended says nothing of it."""
    if not step["deployment"]:
        return None
    ended = (
        Deployment.objects.filter(pk=UUID(step["deployment"])).values_list("finished_at", flat=True).first()
    )
    return ended or now()


def conclude(actor: Actor, drill: FailureDrill) -> int:
    """A drill whose last alert is long due is over."""
    over = failure_drills.over_at(drill)
    return _tried(failure_drills.conclude_drill, actor, drill) if over and over <= now() else 0


def _tried(act: Any, actor: Actor, subject: Any, **params: Any) -> int:
    """1 when it was done; 0 when it was refused, because the row has moved on or a rule says no."""
    try:
        act(actor, subject, **params)
    except Refused as refused:
        log.info("%s: %s", subject, refused)
        return 0
    return 1
