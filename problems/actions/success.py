"""Success criteria: agreed before the fix goes out, measured by the product, asked for when the problem is closed."""

from __future__ import annotations

import math
from typing import Annotated

from problems.models import Problem, SuccessCriterion
from problems.queries.recurrence import last_window, running_window
from problems.queries.success import measured
from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse

Measure = SuccessCriterion.Measure


@action("problem.add_criterion", on=Problem, requires="problems.manage", label="Add a success criterion")
def add_criterion(
    actor: Actor,
    problem: Problem,
    *,
    measure: Annotated[Measure, Field("Measure")],
    target: Annotated[float, Field("Target", help="Percent where it falls by percent, else the value.")],
    metric: Annotated[str, Field("Metric", help="Its name, for measures of a metric.", max_length=120)] = "",
    before_days: Annotated[int, Field("Compared with so many days before the fix", min=1, max=365)] = 28,
) -> SuccessCriterion:
    """Say what must measurably be better before the problem is closed."""
    window = running_window(problem)
    if window is not None:
        refuse(
            "problem.observed",
            f"{problem.key} is being observed; what it is measured by was agreed before.",
            blocked_by=Ref.of(window),
        )
    named = measure not in (Measure.INCIDENTS, Measure.RESTORE)
    if named != bool(metric.strip()):
        refuse(
            "criterion.metric",
            "Name the metric." if named else "This measure has no metric.",
            field="metric",
        )
    percent = measure not in (Measure.METRIC_AT_MOST, Measure.METRIC_AT_LEAST)
    if not math.isfinite(target) or (percent and not 0 < target <= 100):
        refuse(
            "criterion.target",
            "A fall lies above 0 and goes up to 100 percent." if percent else "This is no finite number.",
            field="target",
        )
    return SuccessCriterion.objects.create(
        problem=problem, measure=measure, metric=metric.strip(), target=target, before_days=before_days
    )


@action(
    "success_criterion.withdraw",
    on=SuccessCriterion,
    requires="problems.validate",
    danger=True,
    confirm="The problem can then be closed without it.",
)
def withdraw_criterion(
    actor: Actor, criterion: SuccessCriterion, *, reason: Annotated[str, Field("Reason", long=True)]
) -> SuccessCriterion:
    """Take a criterion back, with the reason why the problem may be closed without it."""
    if criterion.withdrawn_at:
        refuse("criterion.withdrawn", "It was taken back before.")
    if not reason.strip():
        refuse("required", "Say why.", field="reason")
    criterion.withdrawn_at = now()
    criterion.save()
    return criterion


@action("problem.measure_success", on=Problem, requires="incidents.record", label="Measure success")
def measure_success(actor: Actor, problem: Problem) -> Problem:
    """Measure the success criteria now: before the fix against the time since. It also happens by itself."""
    if last_window(problem) is None:
        refuse(
            "problem.not_observed",
            "There is no fix to measure yet.",
            remedy="Observation starts by itself with the fix's production deployment.",
        )
    measure_all(problem)
    return problem


def measure_all(problem: Problem) -> None:
    """Measure every criterion that stands; one that changed nothing writes nothing."""
    at = now()
    window = last_window(problem)
    if window is None:
        return
    for criterion in problem.criteria.filter(withdrawn_at__isnull=True):
        found = measured(criterion, window, at)
        values = (
            found.before,
            found.before_size,
            found.since,
            found.since_size,
            found.met,
            found.sentence[:300],
        )
        names = ("baseline", "baseline_size", "measured", "measured_size", "met", "finding")
        if tuple(getattr(criterion, n) for n in names) != values:
            for name, value in zip(names, values, strict=True):
                setattr(criterion, name, value)
            criterion.measured_at = at if found.since is not None else None
            criterion.save()
