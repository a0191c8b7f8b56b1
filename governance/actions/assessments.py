"""Verbs of control assessments: scheduled, a sample drawn by seed, items marked, concluded by whoever did not operate it."""

from __future__ import annotations

import secrets
import uuid
from datetime import date
from typing import Annotated, Any

from governance.models import Control, ControlAssessment
from governance.queries.coverage import MOST_ROWS, Row, period_of, rows_of
from governance.rules import sampling
from governance.rules.assessing import proposed_size
from governance.states.controls import ASSESSMENT_STATES
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse

MOST_SAMPLED = 500
CONCLUSION = ControlAssessment.Conclusion
_MARKS = (("ok", "As it should be"), ("exception", "Exception"))


@action(
    "control_assessment.schedule",
    creates=ControlAssessment,
    requires="controls.manage",
    label="Schedule an assessment",
)
def schedule_assessment(
    actor: Actor,
    *,
    control: Control,
    starts: Annotated[date, Field("Period from")],
    ends: Annotated[date, Field("Period until", help="The first day after the period.")],
    scheduled_for: Annotated[date, Field("Due")],
    assessor: Annotated[User, Field("Assessor", help="Somebody who does not operate the control.")],
    method: Annotated[ControlAssessment.Method, Field("Method")] = ControlAssessment.Method.EXAMINE,
) -> ControlAssessment:
    """Schedule the assessment of a control over a period."""
    if ends <= starts:
        refuse("assessment.period", "The period ends before it begins.", field="ends", status=422)
    if scheduled_for < starts:
        refuse(
            "assessment.due", "It would be due before the period begins.", field="scheduled_for", status=422
        )
    if not control.applicable or control.withdrawn:
        refuse("control.not_applicable", f"{control} does not apply here.", field="control")
    _not_the_operator(control, assessor.pk)
    return ControlAssessment.objects.create(
        control=control,
        starts=starts,
        ends=ends,
        scheduled_for=scheduled_for,
        assessor=assessor,
        method=method,
    )


@action(
    "control_assessment.plan", on=ControlAssessment, requires="controls.manage", machine=ASSESSMENT_STATES
)
def plan_assessment(
    actor: Actor,
    assessment: ControlAssessment,
    *,
    scheduled_for: Annotated[date | None, Field("Due")] = None,
    assessor: Annotated[User | None, Field("Assessor")] = None,
    reason: Annotated[str, Field("Reason", long=True)] = "",
) -> ControlAssessment:
    """Give the assessment to somebody else, or move its due day."""
    if assessor is not None:
        _not_the_operator(assessment.control, assessor.pk)
        if assessor.pk in assessment.operators:
            refuse(
                "assessment.operator",
                f"{assessor} operated the control in the period.",
                field="assessor",
                status=422,
            )
        assessment.assessor = assessor
    if scheduled_for is not None:
        assessment.scheduled_for = scheduled_for
    assessment.save()
    return assessment


@action("control_assessment.draw", on=ControlAssessment, requires="evidence.read", machine=ASSESSMENT_STATES)
def draw_sample(
    actor: Actor,
    assessment: ControlAssessment,
    *,
    size: Annotated[
        int | None, Field("Size", help="Empty: by the population.", min=1, max=MOST_SAMPLED)
    ] = None,
    seed: Annotated[
        str,
        Field(
            "Seed", help="Anything; the same seed draws the same sample. Empty: one is made.", max_length=64
        ),
    ] = "",
) -> ControlAssessment:
    """Freeze the population of the period and draw a sample from it by a seed."""
    period = period_of(assessment.starts, assessment.ends)
    if period.last > now():
        refuse(
            "assessment.early",
            "The period is not over: its population is not known.",
            remedy=f"Draw the sample from {assessment.ends} on.",
        )
    rows: list[tuple[str, Row]] = []
    for mapping in assessment.control.mappings.filter(retired_at__isnull=True).order_by("kind", "target"):
        rows += [(f"{mapping.kind} {mapping.target}", row) for row in rows_of(mapping, period)]
        if len(rows) >= MOST_ROWS:
            refuse(
                "assessment.large",
                f"The population has {MOST_ROWS} rows or more.",
                remedy="Assess a shorter period.",
            )
    operators = {who for _, row in rows for who in row.people}
    if assessment.control.owner_id:
        operators.add(assessment.control.owner_id)
    items = [(f"{basis} {row.kind}", row.id) for basis, row in rows]
    assessment.population_size = len(rows)
    assessment.population_digest = digest(
        [[*item, row.outcome] for item, (_, row) in zip(items, rows, strict=True)]
    )
    assessment.seed = seed or secrets.token_hex(16)
    assessment.operators = sorted(operators)
    # Each thing that the control rests on is a stratum: none is left out because another one operated more often.
    by_lot = {f"{item[0]} {item[1]}": row for item, row in zip(items, rows, strict=True)}
    lots = [(lot, basis) for lot, (basis, _) in by_lot.items()]
    chosen = sampling.draw(lots, assessment.seed, size or proposed_size(len(lots)))
    assessment.sample = [_item(*by_lot[drawn.id]) for drawn in chosen]
    assessment.sampled_at = now()
    return assessment


def _item(basis: str, row: Row) -> dict[str, Any]:
    return {**row.as_data, "basis": basis, "mark": "", "note": ""}


@action("control_assessment.mark", on=ControlAssessment, requires="evidence.read", machine=ASSESSMENT_STATES)
def mark_item(
    actor: Actor,
    assessment: ControlAssessment,
    *,
    item: Annotated[int, Field("Number in the sample", min=1, max=MOST_SAMPLED)],
    mark: Annotated[str, Field("Mark", choices=_MARKS)],
    note: Annotated[str, Field("What was seen", long=True, max_length=4000)] = "",
) -> ControlAssessment:
    """Mark one item of the sample."""
    if not 1 <= item <= len(assessment.sample):
        refuse("assessment.item", f"The sample has {len(assessment.sample)} items.", field="item", status=422)
    if mark == "exception" and not note.strip():
        refuse("assessment.note", "Say what the exception is.", field="note", status=422)
    assessment.sample[item - 1] |= {"mark": mark, "note": note}
    assessment.exceptions = [
        {"item": number, "what": each["note"], "label": each["label"]}
        for number, each in enumerate(assessment.sample, 1)
        if each["mark"] == "exception"
    ]
    assessment.save()
    return assessment


@action(
    "control_assessment.conclude",
    on=ControlAssessment,
    requires="evidence.read",
    machine=ASSESSMENT_STATES,
    step_up=True,
    confirm="The conclusion stands and is never changed.",
)
def conclude_assessment(
    actor: Actor,
    assessment: ControlAssessment,
    *,
    conclusion: Annotated[ControlAssessment.Conclusion, Field("Conclusion")],
    statement: Annotated[str, Field("What was found", long=True)],
) -> ControlAssessment:
    """Conclude. Effective needs a sample, every item marked, and no exception."""
    if not statement.strip():
        refuse("assessment.statement", "Say what the conclusion rests on.", field="statement", status=422)
    if conclusion != CONCLUSION.NOT_ASSESSED:
        _worked_through(assessment)
    if conclusion == CONCLUSION.EFFECTIVE and assessment.exceptions:
        refuse(
            "assessment.exceptions",
            f"{len(assessment.exceptions)} items of the sample are exceptions.",
            remedy="Conclude exceptions found, or mark the items again.",
            field="conclusion",
        )
    if conclusion == CONCLUSION.EXCEPTION and not assessment.exceptions:
        refuse(
            "assessment.no_exception",
            "No item of the sample is marked as an exception.",
            remedy="Mark the item first.",
            field="conclusion",
        )
    assessment.conclusion = conclusion
    assessment.statement = statement
    assessment.concluded_at = now()
    assessment.concluded_by_id = actor.user_id
    return assessment


def _worked_through(assessment: ControlAssessment) -> None:
    if not assessment.sample:
        refuse(
            "assessment.empty",
            "Nothing was looked at: the control did not operate, or no sample was drawn.",
            remedy="Draw a sample, or conclude not assessed.",
            field="conclusion",
        )
    unmarked = [n for n, each in enumerate(assessment.sample, 1) if not each["mark"]]
    if unmarked:
        refuse(
            "assessment.unmarked",
            f"{len(unmarked)} items of the sample are not marked, the first is number {unmarked[0]}.",
            remedy="Mark every item first.",
            field="conclusion",
        )


@action(
    "control_assessment.cancel",
    on=ControlAssessment,
    requires="controls.manage",
    machine=ASSESSMENT_STATES,
    danger=True,
)
def cancel_assessment(
    actor: Actor, assessment: ControlAssessment, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ControlAssessment:
    """Call the assessment off; the reason stays in its history."""
    return assessment


def _not_the_operator(control: Control, person: uuid.UUID) -> None:
    if control.owner_id == person:
        refuse(
            "assessment.operator",
            f"{control.owner} operates {control.code}, so somebody else assesses it.",
            field="assessor",
            blocked_by=Ref.of(control),
            status=422,
        )


def _the_assessor(actor: Actor, assessment: ControlAssessment, params: object) -> Refusal | None:
    """Only the named assessor works on it, and only when they had no hand in what is assessed."""
    if actor.kind != "person" or actor.user_id != assessment.assessor_id or actor.on_behalf_of:
        return Refusal(
            "assessment.assessor",
            f"{assessment.assessor} is the assessor.",
            "Whoever manages controls can name another one.",
            status=403,
        )
    if actor.user_id == assessment.control.owner_id or actor.user_id in assessment.operators:
        return Refusal(
            "assessment.operator",
            "You operated this control in the period, so somebody else concludes.",
            "Whoever manages controls can name another assessor.",
            blocked_by=Ref.of(assessment.control),
            status=403,
        )
    return None


for _verb in ("draw", "mark", "conclude"):
    register_guard(f"control_assessment.{_verb}", _the_assessor)
