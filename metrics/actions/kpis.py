"""Verbs of key performance indicators."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from governance.expressions import evaluator
from metrics.models import Kpi, KpiDirection
from metrics.rules.formulas import COUNTS, NAMES, unknown_counts
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from trains.models import Service

Formula = Annotated[
    str,
    Field(
        "Formula",
        help="In CEL, over " + "; ".join(f"{name}: {text}" for name, text in NAMES.items()) + ".",
        long=True,
        max_length=evaluator.LONGEST,
    ),
]
Target = Annotated[float, Field("Target")]
Direction = Annotated[KpiDirection, Field("Reached with")]
Unit = Annotated[str, Field("Unit", max_length=30)]
Days = Annotated[int, Field("Period in days", min=1, max=366)]
Owner = Annotated[User, Field("Owner")]
ReviewOn = Annotated[date, Field("To be reviewed on")]
Decision = Annotated[
    str, Field("Decision it serves", help="Without one it is marked as vanity.", long=True, max_length=2000)
]
Name = Annotated[str, Field("Name", max_length=120)]


@action("kpi.create", creates=Kpi, requires="metrics.manage", within="service", label="Define a KPI")
def create_kpi(
    actor: Actor,
    *,
    name: Name,
    formula: Formula,
    target: Target,
    direction: Direction,
    owner: Owner,
    review_on: ReviewOn,
    decision: Decision = "",
    unit: Unit = "",
    period_days: Days = 28,
    service: Annotated[Service | None, Field("Service", help="Empty: of the organization.")] = None,
) -> Kpi:
    """Define an indicator of your own over recorded series and counts, and name the decision that it serves."""
    kpi = Kpi(
        service=service,
        name=name.strip(),
        formula=formula.strip(),
        unit=unit.strip(),
        direction=direction,
        target=target,
        period_days=period_days,
        owner=owner,
        decision=decision.strip(),
        review_on=review_on,
    )
    _check(kpi)
    _check_day(review_on)
    if Kpi.objects.filter(service=service, name=kpi.name).exists():
        refuse("kpi.name", "There is a KPI of this name.", field="name")
    kpi.save()
    return kpi


@action("kpi.edit", on=Kpi, requires="metrics.manage", label="Edit")
def edit_kpi(
    actor: Actor,
    kpi: Kpi,
    *,
    formula: Formula = KEEP,
    target: Target = KEEP,
    direction: Direction = KEEP,
    owner: Owner = KEEP,
    decision: Decision = KEEP,
    unit: Unit = KEEP,
    period_days: Days = KEEP,
    reason: Annotated[str, Field("Reason", long=True)],
) -> Kpi:
    """Change an indicator. Its values are computed anew with the new formula, for past periods too."""
    _refuse_retired(kpi)
    for field, value in (
        ("formula", formula),
        ("target", target),
        ("direction", direction),
        ("owner", owner),
        ("decision", decision),
        ("unit", unit),
        ("period_days", period_days),
    ):
        if value is not KEEP:
            setattr(kpi, field, value.strip() if isinstance(value, str) else value)
    _check(kpi)
    kpi.save()
    return kpi


@action("kpi.review", on=Kpi, requires="metrics.manage", label="Review")
def review_kpi(
    actor: Actor,
    kpi: Kpi,
    *,
    note: Annotated[str, Field("What was decided by it", long=True, max_length=2000)],
    review_on: Annotated[date, Field("Next review on")],
    decision: Decision = KEEP,
) -> Kpi:
    """Say what was decided by an indicator since the last review, and when it is looked at again."""
    _refuse_retired(kpi)
    _check_day(review_on)
    if not note.strip():
        refuse("kpi.note", "Say what was decided by it, or that nothing was.", field="note")
    if decision is not KEEP:
        kpi.decision = decision.strip()
    kpi.review_note, kpi.review_on, kpi.reviewed_at = note.strip(), review_on, now()
    kpi.save()
    return kpi


@action("kpi.retire", on=Kpi, requires="metrics.manage", label="Retire", danger=True)
def retire_kpi(actor: Actor, kpi: Kpi, *, reason: Annotated[str, Field("Reason", long=True)]) -> Kpi:
    """Look at it no longer. Its history stays."""
    _refuse_retired(kpi)
    kpi.retired_at = now()
    kpi.save()
    return kpi


def _refuse_retired(kpi: Kpi) -> None:
    if kpi.retired_at:
        refuse(
            "kpi.retired",
            f"{kpi} was retired on {kpi.retired_at:%Y-%m-%d}.",
            remedy="Define a new one.",
            blocked_by=Ref.of(kpi),
        )


def _check(kpi: Kpi) -> None:
    if not kpi.name:
        refuse("kpi.name", "A KPI has a name.", field="name")
    fault = evaluator.fault(kpi.formula, NAMES)
    if fault:
        refuse("kpi.formula", f"Formula: {fault}", field="formula")
    unknown = unknown_counts(kpi.formula)
    if unknown:
        refuse(
            "kpi.formula",
            f"Nothing is counted as {unknown[0]}.",
            remedy=f"There are {', '.join(COUNTS)}.",
            field="formula",
        )


def _check_day(day: date) -> None:
    if day <= now().date():
        refuse("kpi.review_on", "The next review lies ahead.", field="review_on")
