"""Verbs of joint incident response plans."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import IncidentDrill, IncidentPlan, IncidentPlanRole, IncidentPlanTrain, Train

explain_constraint("incident_plan_train_once", "The train takes part already.")
explain_constraint("incident_plan_role_has_somebody", "Name a person, or write who it is.")


@action("incident_plan.create", creates=IncidentPlan, requires="trains.manage")
def create_incident_plan(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    trains: Annotated[list[Train], Field("Trains", help="At least two.")],
    trigger: Annotated[str, Field("Starts when", help="Which incidents start this plan.", long=True)],
    bridge: Annotated[
        str, Field("Bridge", help="Where everybody meets: call, room, channel.", max_length=300)
    ],
    standby_bridge: Annotated[str, Field("Standby bridge", max_length=300)] = "",
    steps: Annotated[str, Field("First steps", long=True)] = "",
    drill_days: Annotated[int, Field("Days between drills", min=1, max=1000)] = 180,
) -> IncidentPlan:
    """Write the incident response plan of several trains."""
    if len({t.pk for t in trains}) < 2:
        refuse("incident_plan.trains", "A joint plan has at least two trains.", field="trains")
    plan = IncidentPlan.objects.create(
        title=title,
        trigger=trigger,
        bridge=bridge,
        standby_bridge=standby_bridge,
        steps=steps,
        drill_days=drill_days,
    )
    for train in {t.pk: t for t in trains}.values():
        IncidentPlanTrain.objects.create(plan=plan, train=train)
    return plan


@action("incident_plan.edit", on=IncidentPlan, requires="trains.manage")
def edit_incident_plan(
    actor: Actor,
    plan: IncidentPlan,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    trigger: Annotated[str | None, Field("Starts when", long=True)] = None,
    bridge: Annotated[str | None, Field("Bridge", max_length=300)] = None,
    standby_bridge: Annotated[str | None, Field("Standby bridge", max_length=300)] = None,
    steps: Annotated[str | None, Field("First steps", long=True)] = None,
    drill_days: Annotated[int | None, Field("Days between drills", min=1, max=1000)] = None,
) -> IncidentPlan:
    """Change a plan; what is left empty stays."""
    _in_force(plan)
    news = {
        "title": title,
        "trigger": trigger,
        "bridge": bridge,
        "standby_bridge": standby_bridge,
        "steps": steps,
        "drill_days": drill_days,
    }
    for field, value in news.items():
        if value is not None:
            setattr(plan, field, value)
    plan.save()
    return plan


def _in_force(plan: IncidentPlan) -> None:
    if plan.retired_at:
        refuse("incident_plan.retired", f"{plan} is retired.", remedy="Write a new plan.")


@action("incident_plan.add_train", on=IncidentPlan, requires="trains.manage")
def add_plan_train(actor: Actor, plan: IncidentPlan, *, train: Train) -> IncidentPlanTrain:
    """Let another train take part."""
    _in_force(plan)
    return IncidentPlanTrain.objects.create(plan=plan, train=train)


@action("incident_plan.assign", on=IncidentPlan, requires="trains.manage", label="Assign a role")
def assign_plan_role(
    actor: Actor,
    plan: IncidentPlan,
    *,
    duty: Annotated[IncidentPlanRole.Duty, Field("Role")],
    contact: Annotated[str, Field("Contact", help="What works at night.", max_length=200)],
    person: Annotated[User | None, Field("Person")] = None,
    name: Annotated[str, Field("Or somebody without an account", max_length=120)] = "",
    deputy: Annotated[User | None, Field("Deputy")] = None,
    train: Annotated[Train | None, Field("For the train")] = None,
) -> IncidentPlanRole:
    """Say who does what when the plan is started."""
    _in_force(plan)
    if person is None and not name.strip():
        refuse("incident_plan.nobody", "Name a person, or write who it is.", field="person")
    if person is not None and deputy is not None and person.pk == deputy.pk:
        refuse("incident_plan.deputy", "Somebody else has to be the deputy.", field="deputy")
    if train is not None and not plan.trains.filter(train=train).exists():
        refuse("incident_plan.train", f"{train} does not take part in {plan}.", field="train")
    return IncidentPlanRole.objects.create(
        plan=plan, duty=duty, contact=contact, person=person, name=name.strip(), deputy=deputy, train=train
    )


@action("incident_plan_role.end", on=IncidentPlanRole, requires="trains.manage", danger=True)
def end_plan_role(actor: Actor, role: IncidentPlanRole) -> IncidentPlanRole:
    """Relieve somebody of their role in a plan."""
    if role.ended_at:
        refuse("incident_plan_role.ended", f"{role} is relieved already.")
    role.ended_at = now()
    role.save()
    return role


@action("incident_plan.record_drill", on=IncidentPlan, requires="incidents.record", label="Record a drill")
def record_drill(
    actor: Actor,
    plan: IncidentPlan,
    *,
    held_on: Annotated[date, Field("Held on")],
    scenario: Annotated[str, Field("Scenario", max_length=300)],
    outcome: Annotated[IncidentDrill.Outcome, Field("Outcome")],
    findings: Annotated[str, Field("Findings", long=True)] = "",
    minutes_to_assemble: Annotated[
        int | None, Field("Minutes until all were there", min=0, max=10_000)
    ] = None,
) -> IncidentDrill:
    """Record an exercise of the plan, or an incident that it was used in."""
    _in_force(plan)
    if held_on > now().date():
        refuse("incident_plan.future", "A drill is recorded once it was held.", field="held_on")
    if outcome != IncidentDrill.Outcome.WORKED and not findings.strip():
        refuse("incident_plan.findings", "Say what did not work.", field="findings")
    drill = IncidentDrill.objects.create(
        plan=plan,
        held_on=held_on,
        scenario=scenario,
        outcome=outcome,
        findings=findings,
        minutes_to_assemble=minutes_to_assemble,
        recorded_by=actor.name,
    )
    if plan.last_exercised_on is None or held_on > plan.last_exercised_on:
        plan.last_exercised_on = held_on
        plan.save()
    return drill


@action("incident_plan.retire", on=IncidentPlan, requires="trains.manage", danger=True)
def retire_incident_plan(
    actor: Actor, plan: IncidentPlan, *, reason: Annotated[str, Field("Reason", long=True)]
) -> IncidentPlan:
    """Take a plan out of use."""
    _in_force(plan)
    plan.retired_at = now()
    plan.save()
    return plan
