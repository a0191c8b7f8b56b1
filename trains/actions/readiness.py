"""Verbs of the readiness assessment of a release."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import ReadinessAnswer, Release

Topic, Answer = ReadinessAnswer.Topic, ReadinessAnswer.Answer

explain_constraint("readiness_question_once", "The assessment asks this already.")
explain_constraint("readiness_has_evidence", "Yes and partly need their evidence.")

# (topic, question, weight, mandatory); the last ones only where the release touches a regulated service.
STANDARD = (
    (Topic.COVERAGE, "Do automated tests cover what changes?", 3, False),
    (Topic.ROLLBACK, "Was the rollback procedure rehearsed?", 3, True),
    (Topic.ENVIRONMENT, "Are all environments on the way available?", 2, False),
    (Topic.RUNBOOK, "Are runbooks up to date?", 2, False),
    (Topic.RECOVERY, "Is disaster recovery documented for what changes?", 2, False),
    (Topic.WALKTHROUGH, "Were walkthroughs held with support and training?", 1, False),
)
REGULATED = ((Topic.ATO, "Is the authority to operate in force for this version?", 3, True),)


@action("release.assess_readiness", on=Release, requires="releases.manage", label="Assess readiness")
def assess_readiness(
    actor: Actor,
    release: Release,
    *,
    due_on: Annotated[date | None, Field("Answers due on")] = None,
) -> Release:
    """Ask the standard questions of readiness; for regulated services also for the authority to operate."""
    regulated = release.artifacts.filter(service__regulated=True).exists()
    asked = set(release.readiness.values_list("question", flat=True))
    new = [q for q in (*STANDARD, *(REGULATED if regulated else ())) if q[1] not in asked]
    if not new:
        refuse(
            "readiness.asked", f"The standard questions are asked for {release}.", blocked_by=Ref.of(release)
        )
    for topic, question, weight, mandatory in new:
        ReadinessAnswer.objects.create(
            release=release, topic=topic, question=question, weight=weight, mandatory=mandatory, due_on=due_on
        )
    return release


@action("readiness_answer.create", creates=ReadinessAnswer, requires="releases.manage", within="release")
def create_readiness_question(
    actor: Actor,
    *,
    release: Release,
    question: Annotated[str, Field("Question", max_length=300)],
    topic: Annotated[Topic, Field("Topic")] = Topic.OTHER,
    weight: Annotated[int, Field("Weight", min=1, max=10)] = 1,
    mandatory: Annotated[bool, Field("Mandatory")] = False,
    owner: Annotated[User | None, Field("Owner")] = None,
    due_on: Annotated[date | None, Field("Due")] = None,
) -> ReadinessAnswer:
    """Ask one more question of a release."""
    return ReadinessAnswer.objects.create(
        release=release,
        question=question,
        topic=topic,
        weight=weight,
        mandatory=mandatory,
        owner=owner,
        due_on=due_on,
    )


@action("readiness_answer.assign", on=ReadinessAnswer, requires="releases.manage")
def assign_readiness(
    actor: Actor,
    asked: ReadinessAnswer,
    *,
    owner: Annotated[User, Field("Owner")],
    due_on: Annotated[date | None, Field("Due")] = None,
) -> ReadinessAnswer:
    """Say who answers, and until when."""
    asked.owner = owner
    asked.due_on = due_on or asked.due_on
    asked.save()
    return asked


@action("readiness_answer.answer", on=ReadinessAnswer, requires="releases.manage")
def answer_readiness(
    actor: Actor,
    asked: ReadinessAnswer,
    *,
    answer: Annotated[Answer, Field("Answer")],
    evidence: Annotated[str, Field("Evidence", help="Link or words that show it.", long=True)] = "",
) -> ReadinessAnswer:
    """Answer a question; yes and partly need their evidence."""
    said = evidence.strip() or asked.evidence
    if answer in (Answer.YES, Answer.PARTIAL) and not said:
        refuse("readiness.evidence", "Say what shows it.", field="evidence")
    if answer == Answer.NOT_APPLICABLE and asked.mandatory and not said:
        refuse("readiness.evidence", "Say why a mandatory question does not apply.", field="evidence")
    asked.answer, asked.evidence = answer, said
    asked.answered_at = None if answer == Answer.OPEN else now()
    asked.save()
    return asked
