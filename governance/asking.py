"""Asking the gates before an environment: the standing verdict at once, or the evaluations that will give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Q

from governance.actions.gates import evaluate_gate
from governance.gates import changes_of
from governance.models import Evaluation, Gate, SettledAnswer
from governance.queries import verdicts
from governance.queries.subjects import Subject, gates_before, subject_of
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id
from trains.models import Artifact, Environment, Release

FIELDS = ("gate", "environment", "release", "digest")
LONGEST_QUESTION = 300


@dataclass(frozen=True)
class Question:
    """What was asked, in the asker's words."""

    gate: str = ""
    environment: str = ""
    release: str = ""
    digest: str = ""

    @classmethod
    def read(cls, body: Any) -> Question | None:
        """The question in a JSON body, or None when it is not one."""
        if not isinstance(body, dict) or set(body) - set(FIELDS):
            return None
        if not all(isinstance(value, str) and "\0" not in value for value in body.values()):
            return None
        return cls(**body)

    @property
    def text(self) -> str:
        """One line that only this question has."""
        return orjson.dumps([self.gate, self.environment, self.release, self.digest]).decode()


@dataclass(frozen=True)
class Asked:
    """The answer, or the evaluations under way."""

    answer: dict[str, Any] | None
    under_way: list[Evaluation]


def ask(actor: Actor, question: Question) -> Asked:
    """The verdict if it stands at every gate in the way, else evaluations for those where it does not."""
    subject = _subject(question)
    if not actor.may("gates.ask", subject.object):
        refuse(
            "permission.missing",
            "You need the permission gates.ask there.",
            remedy="An owner can grant it.",
            status=403,
        )
    gates = _gates(question, subject)
    # Counted before any verdict is looked at: a change meanwhile makes the kept answer outdated, never too new.
    settled = [verdicts.latest(gate, subject) for gate in gates]
    subjects = verdicts.dependencies_of([e for e in settled if e])
    stamp = changes_of(subjects)
    missing = [gate for gate, e in zip(gates, settled, strict=True) if e is None or not verdicts.stands(e)]
    if missing:
        return Asked(
            None,
            [
                evaluate_gate(actor, gate=g, release=subject.release, artifact=subject.artifact)
                for g in missing
            ],
        )
    standing = [e for e in settled if e]
    answer = verdicts.answer(standing)
    if len(question.text) <= LONGEST_QUESTION:
        _keep(question, answer, subject, standing, subjects, stamp)
    return Asked(answer, [])


def _keep(
    question: Question,
    answer: dict[str, Any],
    subject: Subject,
    standing: list[Evaluation],
    subjects: list[Any],
    stamp: int,
) -> None:
    """Have the answer ready for the next time the same is asked."""
    kept = SettledAnswer(
        question=question.text,
        body=orjson.dumps(answer).decode(),
        subjects=subjects,
        stamp=stamp,
        # An advisory gate's verdict ends too: the answer shows it.
        valid_until=min(e.valid_until for e in standing if e.valid_until),
        scopes=[f"{kind}:{pk}" for kind, pk in subject.scopes()],
    )
    kept.prepare_save()
    SettledAnswer.objects.bulk_create(
        [kept],
        update_conflicts=True,
        unique_fields=["organization", "question"],
        update_fields=["body", "subjects", "stamp", "valid_until", "scopes"],
    )


def _subject(question: Question) -> Subject:
    if bool(question.release) == bool(question.digest):
        refuse("gate.subject", "Name a release or an artifact's digest.", field="release")
    if question.release:
        release = Release.objects.select_related("train").filter(_named(question.release, "key")).first()
        if release is None:
            refuse(
                "release.unknown",
                f"There is no release {question.release[:60]}.",
                field="release",
                status=404,
            )
        return subject_of(release, None)
    artifact = Artifact.objects.select_related("service__train").filter(digest=question.digest).first()
    if artifact is None:
        refuse(
            "artifact.unknown",
            "No artifact with this digest is registered.",
            remedy="Post a result with its service and version, or register the artifact.",
            field="digest",
            status=404,
        )
    return subject_of(None, artifact)


def _gates(question: Question, subject: Subject) -> list[Gate]:
    if question.gate:
        gate = Gate.objects.filter(_named(question.gate, "key")).exclude(mode=Gate.Mode.RETIRED).first()
        if gate is None:
            refuse(
                "gate.unknown", f"There is no gate {question.gate[:60]} in force.", field="gate", status=404
            )
        if question.environment and question.environment not in (
            gate.environment.name,
            str(gate.environment_id),
        ):
            refuse("gate.environment", f"{gate} guards {gate.environment}.", field="environment")
        return [gate]
    if not question.environment:
        refuse("required", "Name the environment to enter, or a gate.", field="environment")
    environment = Environment.objects.filter(_named(question.environment, "name")).first()
    if environment is None:
        refuse(
            "environment.unknown",
            f"There is no environment {question.environment[:60]}.",
            field="environment",
            status=404,
        )
    if environment.train_id and environment.train_id not in subject.train_ids:
        refuse("environment.other_train", f"{environment} belongs to another train.", field="environment")
    gates = [g for g in gates_before(environment, subject) if g.mode == Gate.Mode.ACTIVE or g.current_version]
    if not any(g.mode == Gate.Mode.ACTIVE for g in gates):
        refuse(
            "gate.none",
            f"No binding gate guards {environment} for {subject.object}, so nothing can say that it may pass.",
            remedy="Set a gate before the environment, or ask an advisory gate by its key.",
            status=409,
        )
    return gates


def _named(text: str, field: str) -> Q:
    """By its word, or by its id."""
    found = Q(**{field: text})
    identity = row_id(text)
    return found | Q(pk=identity) if identity else found
