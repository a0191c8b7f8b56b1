"""Deviations of fast-tracked fixes: put on record with the act itself or by hand, accepted by a second person, caught up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from governance.gates import invalidate
from governance.models import ChangeRequest, DutyException, Waiver
from problems.models import Deviation, Problem
from problems.queries.claims import claimed_by
from problems.queries.policy import catch_up_days, policy_in_force
from releasetrain.audit import ledger
from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Release, ScopeItem
from trains.queries.freezes import active_freezes

from .as_system import as_system

Step = Deviation.Step
# A fix of a problem this severe is fast-tracked; what deviates for others is an ordinary exception.
SEVERE = 2
_FIRST_STEPS = {
    Step.SCOPE_FREEZE: "Add the item to the notes and test the whole scope again.",
    Step.APPROVAL: "Have the regular board look at the change after the fact.",
    Step.GATE: "Make the waived check pass.",
    Step.FREEZE: "Tell those for whom the freeze was set what went out and why.",
    Step.SEGREGATION: "Have somebody with no hand in it validate the deployment.",
}

explain_constraint("deviation_second_person", "Somebody other than whoever recorded it accepts a deviation.")


def last_day(severity: int, at: datetime) -> date:
    """Until when a deviation for a problem of this severity has to be caught up."""
    return (at + timedelta(days=catch_up_days(policy_in_force(), severity))).date()


def _open_problems(actor: Actor, _: Any) -> Any:
    return Problem.objects.exclude(state=Problem.State.CLOSED).order_by("severity", "key")


@action(
    "deviation.record",
    creates=Deviation,
    requires="incidents.record",
    within="problem",
    label="Record a deviation",
)
def record_deviation(
    actor: Actor,
    *,
    problem: Annotated[Problem, Field("Problem", rows=_open_problems)],
    step: Annotated[Step, Field("Step of the standard procedure")],
    what: Annotated[str, Field("What is left out or cut short", max_length=300)],
    reason: Annotated[str, Field("Why it cannot wait", long=True, max_length=5_000)],
    catch_up: Annotated[str, Field("What is caught up afterwards", long=True, max_length=5_000)],
    release: Annotated[Release | None, Field("Release")] = None,
    catch_up_by: Annotated[
        date | None,
        Field("By", help="Empty: as the problem policy says for the severity; never later than that."),
    ] = None,
) -> Deviation:
    """Say, as it happens, which step of the standard procedure a severe fix leaves out."""
    if actor.user_id is None:
        refuse("deviation.person", "A person says so; what the system notices it records itself.", status=403)
    if problem.severity > SEVERE:
        refuse(
            "deviation.not_severe",
            f"{problem.key} is of severity {problem.severity}; the fast track is for severity 1 and 2.",
            remedy="Follow the standard procedure, or raise the severity with its reason.",
            field="problem",
            status=409,
        )
    for name, said in (("what", what), ("reason", reason), ("catch_up", catch_up)):
        if not said.strip():
            refuse("required", "Say it in a sentence.", field=name)
    at = now()
    latest = last_day(problem.severity, at)
    if catch_up_by is not None and not at.date() <= catch_up_by <= latest:
        refuse(
            "deviation.catch_up",
            f"It is caught up between today and {latest:%Y-%m-%d}.",
            field="catch_up_by",
        )
    made = Deviation.objects.create(
        problem=problem,
        release=release,
        step=step,
        what=what.strip(),
        reason=reason.strip(),
        catch_up=catch_up.strip(),
        catch_up_by=catch_up_by or latest,
        happened_at=at,
        recorded_by_id=actor.user_id,
    )
    _gates_look_again(made)
    return made


@action("deviation.accept", on=Deviation, requires="problems.validate")
def accept_deviation(
    actor: Actor,
    deviation: Deviation,
    *,
    catch_up: Annotated[
        str, Field("What is caught up", help="Empty: as recorded.", long=True, max_length=5_000)
    ] = "",
) -> Deviation:
    """Accept the deviation as somebody other than whoever recorded it."""
    if deviation.accepted_at:
        refuse("deviation.accepted", f"{deviation.accepted_by} has accepted {deviation.key}.")
    deviation.catch_up = catch_up.strip() or deviation.catch_up
    deviation.accepted_by_id, deviation.accepted_at = actor.user_id, now()
    deviation.save()
    _gates_look_again(deviation)
    return deviation


@action("deviation.explain", on=Deviation, requires="incidents.record")
def explain_deviation(
    actor: Actor, deviation: Deviation, *, reason: Annotated[str, Field("Why it could not wait", long=True)]
) -> Deviation:
    """Say why, for a deviation that was put on record by itself. What was said before an acceptance stays."""
    if deviation.accepted_at and deviation.reason:
        refuse("deviation.accepted", f"{deviation.key} was accepted with its reason.")
    if not reason.strip():
        refuse("required", "Say why.", field="reason")
    deviation.reason = reason.strip()
    deviation.save()
    return deviation


@action("deviation.catch_up", on=Deviation, requires="incidents.record", label="Caught up")
def catch_up_deviation(
    actor: Actor,
    deviation: Deviation,
    *,
    evidence: Annotated[str, Field("What shows it", help="Links or keys of records.", long=True)],
) -> Deviation:
    """Say that what was left out has been done, and what shows it."""
    if not deviation.accepted_at:
        refuse(
            "deviation.not_accepted",
            f"Nobody has accepted {deviation.key} yet.",
            remedy="Have it accepted first.",
        )
    if deviation.caught_up_at:
        refuse("deviation.caught_up", f"{deviation.key} was caught up {deviation.caught_up_at:%Y-%m-%d}.")
    if actor.user_id is None:
        refuse("deviation.person", "A person says so.", status=403)
    if not evidence.strip():
        refuse("required", "Say what shows it.", field="evidence")
    deviation.evidence = evidence.strip()
    deviation.caught_up_at, deviation.caught_up_by_id = now(), actor.user_id
    deviation.save()
    _gates_look_again(deviation)
    return deviation


def _gates_look_again(deviation: Deviation) -> None:
    if deviation.release_id:
        invalidate(release=deviation.release_id)


def _by_another(actor: Actor, deviation: Any, params: dict[str, Any]) -> Refusal | None:
    if deviation is None:
        return None
    if actor.user_id is None or actor.user_id == deviation.recorded_by_id:
        return Refusal(
            "deviation.own",
            "Somebody other than whoever recorded it accepts it.",
            remedy="Ask another problem manager or the compliance officer.",
            status=403,
        )
    if not deviation.reason:
        return Refusal(
            "deviation.no_reason",
            f"{deviation.key} was put on record by itself and says no reason yet.",
            remedy="Whoever did it explains why it could not wait.",
        )
    return None


register_guard("deviation.accept", _by_another)


# -- what puts itself on record, in the same transaction as the act --------------------------------------------------


def _note(
    actor: Actor,
    release: Release | None,
    step: Step,
    what: str,
    *,
    source: Any,
    reason: str = "",
    problems: list[Problem] | None = None,
    accepted_by: UUID | None = None,
) -> None:
    """One deviation for the most severe problem that the release fixes; nothing where none is severe."""
    if release is None:
        return
    severe = [p for p in (problems if problems is not None else claimed_by(release)) if p.severity <= SEVERE]
    if not severe:
        return
    worst = min(severe, key=lambda p: (p.severity, p.key))
    at = now()
    accepted = accepted_by if accepted_by and reason.strip() and accepted_by != actor.user_id else None
    with as_system(actor, f"{step.label.lower()} left out for {worst.key}"[:100]) as system:
        made, fresh = Deviation.objects.get_or_create(
            problem=worst,
            step=step,
            source_kind=source._meta.model_name,
            source_id=source.pk,
            defaults={
                "release": release,
                "what": what[:300],
                "reason": reason.strip(),
                "happened_at": at,
                "recorded_by_id": actor.user_id,
                "accepted_by_id": accepted,
                "accepted_at": at if accepted else None,
                "catch_up": _FIRST_STEPS.get(step, ""),
                "catch_up_by": last_day(worst.severity, at),
            },
        )
        if fresh:
            ledger.append(
                system, "deviation.note", made, {"problem": worst.key, "step": str(step), "by": actor.name}
            )
    if fresh:
        _gates_look_again(made)


def item_after_freeze(actor: Actor, release: Any, params: dict[str, Any]) -> None:
    """A fix that came into a frozen scope."""
    row = ScopeItem.objects.filter(
        release=release, source_id=params.get("source_id"), after_freeze=True
    ).first()
    if row is None or row.source_id is None:
        return
    problems = list(Problem.objects.filter(pk=row.source_id))
    _note(
        actor,
        release,
        Step.SCOPE_FREEZE,
        f"{row.source_key} came into {release} after its scope freeze.",
        source=row,
        reason=row.cause,
        problems=problems,
    )


def emergency_submitted(actor: Actor, change: Any, params: dict[str, Any]) -> None:
    """An emergency change goes past the regular board."""
    if change.type == ChangeRequest.Type.EMERGENCY:
        what = f"{change.key} goes to {change.board} as an emergency."
        _note(actor, change.release, Step.APPROVAL, what, source=change)


def deployed_in_freeze(actor: Actor, deployment: Any, params: dict[str, Any]) -> None:
    """An emergency deployment goes past a freeze."""
    release = deployment.release
    if not deployment.emergency or release is None or not deployment.environment.is_production:
        return
    at, service = deployment.started_at, deployment.service
    for freeze in active_freezes(release.train, deployment.environment, service, at):
        what = f"{deployment} began in the freeze {freeze.name}."
        _note(actor, release, Step.FREEZE, what, source=deployment)
        return


def check_waived(actor: Actor, waiver: Waiver, params: dict[str, Any]) -> None:
    """A check of a gate that was let through: whoever granted it accepted it, whoever asked recorded it."""
    asker = waiver.requested_by_id
    _note_by(
        actor,
        asker,
        waiver.release,
        Step.GATE,
        f"{waiver.check_name} of {waiver.gate}",
        waiver,
        waiver.reason,
    )


def duty_excepted(actor: Actor, exception: DutyException, params: dict[str, Any]) -> None:
    """An act in hands that the matrix keeps from it, let through by a second person."""
    asker, change = exception.requested_by_id, exception.change
    what = f"{exception.user}: {exception.conflict}"
    _note_by(actor, asker, change.release, Step.SEGREGATION, what, exception, exception.reason)


def _note_by(
    actor: Actor, asker: UUID, release: Release | None, step: Step, what: str, source: Any, reason: str
) -> None:
    """Asked for by one person and granted by another: both are on record."""
    recorder = replace(actor, user_id=asker)
    _note(recorder, release, step, what, source=source, reason=reason, accepted_by=actor.user_id)


def overdue(problem: Problem, at: datetime) -> Refusal | None:
    """What was left out for the problem and not caught up yet stands in the way of closing it."""
    row = problem.deviations.filter(caught_up_at__isnull=True).order_by("catch_up_by", "key").first()
    if row is None:
        return None
    return Refusal(
        "problem.deviation_open",
        f"{row.key} is not caught up: {row.what}",
        remedy=f"Catch it up by {row.catch_up_by:%Y-%m-%d}.",
        blocked_by=Ref.of(row),
    )
