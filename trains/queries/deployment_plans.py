"""Deployment plans as their rules read them: which services rely on which, and where each step stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, IntegerField, Value, When

from trains.models import CompatibilityRule, Contract, Coupling, DeploymentPlan, PlanStep, RollbackPlan
from trains.rules import deployment_plan as rules
from trains.rules.deployment_plan import Fault, Slot, Standing


def as_rule(step: PlanStep) -> rules.Step:
    """The step as its rules need it."""
    return rules.Step(
        number=step.number,
        kind=step.kind,
        title=step.title,
        service=step.service.name if step.service else "",
        environment=step.environment.name if step.environment else "",
        minutes=step.minutes,
        after=tuple(step.after),
        state=step.state,
        held_until=step.held_until,
        started_at=step.started_at,
        finished_at=step.finished_at,
    )


def steps_of(plan: DeploymentPlan) -> list[PlanStep]:
    """The steps in their order, with what their page shows."""
    rows = plan.present_steps.select_related("service", "environment", "team", "owner", "deployment__service")
    return list(rows.order_by("number"))


def needs() -> set[tuple[str, str]]:
    """Consumer and provider by name: contracts in force, requirements in force, and couplings by calls and contracts."""
    found = set(
        Contract.objects.filter(retired_at__isnull=True).values_list("consumer__name", "provider__name")
    )
    found |= set(
        CompatibilityRule.objects.filter(retired_at__isnull=True).values_list(
            "service__name", "requires__name"
        )
    )
    kinds = [Coupling.Kind.CALLS, Coupling.Kind.CONTRACT]
    couplings = Coupling.objects.filter(ended_at__isnull=True, kind__in=kinds)
    return found | set(couplings.values_list("source__name", "target__name"))


@dataclass(frozen=True)
class Line:
    """A step with where it stands, its place by the estimates, and when it is expected."""

    step: PlanStep
    standing: Standing
    slot: Slot | None
    planned: tuple[datetime, datetime] | None
    expected: tuple[datetime, datetime] | None
    critical: bool


@dataclass(frozen=True)
class Schedule:
    """A plan with its lines; without times while it contradicts itself."""

    lines: list[Line]
    faults: list[Fault]
    path: list[int]
    minutes: int
    ends_at: datetime | None

    @property
    def failed(self) -> list[PlanStep]:
        return [line.step for line in self.lines if line.standing is Standing.FAILED]

    @property
    def done(self) -> int:
        return sum(line.standing in (Standing.DONE, Standing.SKIPPED) for line in self.lines)


def schedule_of(plan: DeploymentPlan, at: datetime) -> Schedule:
    """Where every step stands, what is wrong with the plan, and when it will be over."""
    steps = steps_of(plan)
    read = [as_rule(step) for step in steps]
    faults = rules.faults(read, needs() if plan.state == DeploymentPlan.State.DRAFT else ())
    standing = rules.standings(read, at)
    if any(fault.code in ("unknown", "circle") for fault in faults):
        lines = [Line(step, standing[step.number], None, None, None, False) for step in steps]
        return Schedule(lines, faults, [], 0, None)
    slots, path = rules.slots(read), rules.critical_path(read)
    start = plan.started_at or plan.starts_at or at
    expected = rules.forecast(read, start, at)
    planned = rules.forecast(
        [rules.Step(s.number, s.kind, minutes=s.minutes, after=s.after) for s in read], start, start
    )
    lines = [
        Line(
            step,
            standing[step.number],
            slots[step.number],
            planned[step.number],
            expected[step.number],
            step.number in path,
        )
        for step in steps
    ]
    return Schedule(
        lines,
        faults,
        path,
        max((slot.end for slot in slots.values()), default=0),
        max((ends for _, ends in expected.values()), default=None),
    )


def rollback_plans_for(plan: DeploymentPlan, steps: list[PlanStep]) -> list[RollbackPlan]:
    """The rollback plans of the release that can be ordered, those of the environments of these steps first."""
    if plan.release_id is None:
        return []
    environments = [step.environment_id for step in steps if step.environment_id]
    rows = RollbackPlan.objects.filter(
        release=plan.release_id, state__in=[RollbackPlan.State.AUTHORISED, RollbackPlan.State.DRAFT]
    ).annotate(
        near=Case(
            When(environment__in=environments, then=Value(0)), default=Value(1), output_field=IntegerField()
        )
    )
    return list(rows.select_related("environment", "release").order_by("near", "state", "key"))
