"""Writes of a change's risk: assessed by questionnaire and past, raised by hand."""

from __future__ import annotations

from typing import Annotated, Any

from governance.models import ChangeRequest
from governance.queries.risk import assess as assessment_of
from governance.queries.risk import policy_in_force, questionnaire
from governance.rules.risk import RISKS, points_of, worst
from governance.states.changes import CHANGE_STATES
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, Refused, refuse

from .deciding import State, settle_content


@action("change.assess", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES, hidden=True)
def assess(
    actor: Actor,
    change: ChangeRequest,
    *,
    answers: Annotated[
        dict, Field("Answers", help="For each question of the questionnaire the value of an answer.")
    ],
    reason: Annotated[
        str, Field("Why it is less than before", help="Only where the risk falls.", long=True, max_length=500)
    ] = "",
) -> ChangeRequest:
    """Answer the risk questionnaire. The risk follows from it and from how similar changes went."""
    before = change.assessment.get("risk", "") if change.assessed_at else ""
    change.risk_answers = checked_answers(answers)
    found = assessment_of(change)
    if before and RISKS.index(found["risk"]) < RISKS.index(before) and not reason.strip():
        refuse(
            "change.risk_lower",
            f"The risk was {before} and would be {found['risk']} now.",
            remedy="Say what has changed.",
            field="reason",
        )
    change.assessment, change.risk, change.assessed_at = found, found["risk"], now()
    settle_content(change, "its risk was assessed anew")
    return change


def checked_answers(answers: dict[str, Any]) -> dict[str, str]:
    """Answers that the questionnaire in force knows, all of them given; raises what is missing or unknown."""
    questions, _ = questionnaire(policy_in_force())
    by_key = {q["key"]: q for q in questions}
    wrong = [
        Refusal("risk.question", f"There is no question {str(key)[:40]}.", field="answers", status=422)
        for key in answers
        if key not in by_key
    ]
    for key, question in by_key.items():
        if key not in answers:
            wrong.append(
                Refusal(
                    "risk.unanswered",
                    f"“{question['text']}” is not answered.",
                    field=f"answers/{key}",
                    status=422,
                )
            )
        elif points_of(question, answers[key]) is None:
            known = ", ".join(a["value"] for a in question["answers"])
            wrong.append(
                Refusal(
                    "risk.answer",
                    f"“{question['text']}” has no answer {str(answers[key])[:40]}.",
                    remedy=f"Answers: {known}.",
                    field=f"answers/{key}",
                    status=422,
                )
            )
    if wrong:
        raise Refused(*wrong)
    return {key: str(answers[key]) for key in by_key}


@action("change.raise_risk", on=ChangeRequest, requires="changes.author", machine=CHANGE_STATES)
def raise_risk(
    actor: Actor,
    change: ChangeRequest,
    *,
    risk: Annotated[ChangeRequest.Risk, Field("Risk")],
    reason: Annotated[str, Field("Reason", long=True, max_length=500)],
) -> ChangeRequest:
    """Say that the risk is higher than computed. It is never lowered this way."""
    if not reason.strip():
        refuse("required", "Say why the risk is higher.", field="reason")
    if worst(change.risk, risk) == change.risk:
        refuse("change.risk_not_higher", f"The risk of {change.key} is {change.risk} already.", field="risk")
    change.risk_raised, change.risk_raised_because, change.risk = risk, reason.strip(), risk
    if change.assessed_at:
        change.assessment = {**change.assessment, "risk": str(risk)}
    if change.state == State.DRAFT and change.assessed_at:
        change.state = State.ASSESSED
    settle_content(change, "its risk was raised")
    change.save()
    return change
