"""Verbs of root causes: proposed with evidence, validated by a second person, fallen back when edited."""

from __future__ import annotations

from typing import Annotated, Any

from governance.gates import invalidate
from problems.models import Category, Problem, ProblemFix, RootCause
from problems.queries.evidence import unknown_evidence
from problems.rca_document import keep_document
from problems.rules.analysis import AnalysisError
from problems.rules.analysis import read as read_analysis
from problems.states import PROBLEM_STATES, ROOT_CAUSE_STATES
from releasetrain.audit.doorway import Actor, Field, Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse

Evidence = Annotated[
    list[str],
    Field("Evidence", help="Links, or keys of records such as INC-7; at least one to be validated."),
]

Analysis = Field(
    "Steps of the method",
    help="One a line. 5 whys: question? answer. Fishbone: branch: cause. Timeline: moment: what happened."
    " Fault tree: event: what it takes. Change analysis: difference: before and after. Reproduction: the steps.",
    long=True,
    max_length=30_000,
)

explain_constraint("root_cause_second_person", "A root cause is validated by somebody other than its author.")
explain_constraint("root_cause_validated_on_evidence", "A root cause is validated on evidence.")


@action("problem.propose_root_cause", on=Problem, requires="problems.manage", machine=PROBLEM_STATES)
def propose_root_cause(
    actor: Actor,
    problem: Problem,
    *,
    statement: Annotated[str, Field("Root cause", long=True)],
    method: Annotated[RootCause.Method, Field("Method")],
    category: Annotated[Category, Field("Category")],
    evidence: Evidence = [],  # noqa: B006 - read only
    analysis: Annotated[str, Analysis] = "",
) -> RootCause:
    """Say what the cause is, by which method you found it, and what shows it."""
    if actor.user_id is None:
        refuse("root_cause.author", "A root cause has a person as its author.", status=403)
    return RootCause.objects.create(
        problem=problem,
        statement=_said(statement),
        method=method,
        category=category,
        evidence=_checked(evidence),
        analysis=_steps(method, analysis),
        author_id=actor.user_id,
        state=RootCause.State.PROPOSED,
    )


def _said(statement: str) -> str:
    if not statement.strip():
        refuse("root_cause.statement", "Say what the cause is.", field="statement")
    return statement.strip()


def _steps(method: str, text: str) -> list[dict[str, str]]:
    try:
        return read_analysis(str(method), text)
    except AnalysisError as error:
        refuse("root_cause.analysis", str(error), field="analysis")


def _checked(evidence: list[str]) -> list[str]:
    """Evidence that leads somewhere: links, and keys of records that exist."""
    given = list(dict.fromkeys(e.strip() for e in evidence if e.strip()))
    unknown = unknown_evidence(given)
    if unknown:
        refuse(
            "root_cause.evidence",
            f"{', '.join(unknown)} leads nowhere.",
            remedy="Give an https link, or the key of a record of this organization.",
            field="evidence",
        )
    return given


@action("root_cause.edit", on=RootCause, requires="problems.manage", machine=ROOT_CAUSE_STATES)
def edit_root_cause(
    actor: Actor,
    cause: RootCause,
    *,
    statement: Annotated[str | None, Field("Root cause", long=True)] = None,
    method: Annotated[RootCause.Method | None, Field("Method")] = None,
    category: Annotated[Category | None, Field("Category")] = None,
    evidence: Annotated[list[str] | None, Field("Evidence", help="Replaces what is there.")] = None,
    analysis: Annotated[str | None, Analysis] = None,
) -> RootCause:
    """Change your root cause. One that was validated has to be validated again."""
    if statement is not None:
        cause.statement = _said(statement)
    if evidence is not None:
        cause.evidence = _checked(evidence)
    if analysis is not None:
        cause.analysis = _steps(method or cause.method, analysis)
    elif method is not None and method != cause.method and cause.analysis:
        refuse(
            "root_cause.analysis",
            "The steps are those of another method.",
            remedy="Write the steps of this one.",
            field="analysis",
        )
    cause.method = method or cause.method
    cause.category = category or cause.category
    cause.validator, cause.validated_at, cause.note, cause.document = None, None, "", None
    _gates_look_again(cause)
    return cause


@action("root_cause.validate", on=RootCause, requires="problems.validate", machine=ROOT_CAUSE_STATES)
def validate_root_cause(
    actor: Actor, cause: RootCause, *, note: Annotated[str, Field("What convinced you", long=True)] = ""
) -> RootCause:
    """Confirm a root cause that somebody else proposed."""
    cause.validator_id, cause.validated_at, cause.note = actor.user_id, now(), note
    cause.document = keep_document(cause, actor.name)
    _gates_look_again(cause)
    return cause


@action("root_cause.reject", on=RootCause, requires="problems.validate", machine=ROOT_CAUSE_STATES)
def reject_root_cause(
    actor: Actor, cause: RootCause, *, note: Annotated[str, Field("What is missing or wrong", long=True)]
) -> RootCause:
    """Send a root cause back to its author, with what is missing."""
    if not note.strip():
        refuse("root_cause.note", "Say what is missing or wrong.", field="note")
    cause.validator, cause.validated_at, cause.note, cause.document = None, None, note, None
    _gates_look_again(cause)
    return cause


def _gates_look_again(cause: RootCause) -> None:
    for release_id in ProblemFix.objects.filter(problem_id=cause.problem_id).values_list(
        "release_id", flat=True
    ):
        invalidate(release=release_id)


def _own(actor: Actor, cause: Any, params: dict[str, Any]) -> Refusal | None:
    if cause is not None and actor.user_id != cause.author_id:
        return Refusal(
            "root_cause.not_yours",
            f"{cause.author} wrote this.",
            remedy="Propose a root cause of your own, or ask its author.",
            status=403,
        )
    return None


def _validatable(actor: Actor, cause: Any, params: dict[str, Any]) -> Refusal | None:
    if cause is None:
        return None
    if actor.user_id is None or actor.user_id == cause.author_id:
        return Refusal(
            "root_cause.own",
            "You wrote this; somebody else validates it.",
            remedy="Ask another problem manager or the compliance officer.",
            status=403,
        )
    if not cause.evidence:
        return Refusal(
            "root_cause.no_evidence",
            "It names no evidence.",
            remedy="Its author adds at least one link or record.",
        )
    return None


register_guard("root_cause.edit", _own)
register_guard("root_cause.validate", _validatable)
