"""Activities with an outcome that a control can rest on: a registry, to which every app adds those it keeps the facts of.

    @activity("reviews-closed", "Post-release reviews", "…closed in time; late or open ones count as failed.")
    def reviews_closed(starts, ends) -> QuerySet: ...

An activity gives the rows that fell into [starts, ends), each annotated with `came_to`: passed, failed, waived or open.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from governance.models import ChangeDeployment, ChangeRequest, Evaluation, EvidencePackage, Finding, Waiver
from trains.models import Deployment

OUTCOMES = ("passed", "failed", "waived", "open")
Population = Callable[[datetime, datetime], QuerySet]
Operators = Callable[[Iterable[Any]], set[uuid.UUID]]


@dataclass(frozen=True)
class Activity:
    """`operators` names the people who carried out these rows: they do not assess the control."""

    name: str
    title: str
    words: str
    population: Population
    operators: Operators


_activities: dict[str, Activity] = {}


def _people(*fields: str) -> Operators:
    def named(rows: Iterable[Any]) -> set[uuid.UUID]:
        return {who for row in rows for f in fields if (who := getattr(row, f, None)) is not None}

    return named


def activity(
    name: str, title: str, words: str, *, people: tuple[str, ...] = ()
) -> Callable[[Population], Population]:
    """Register an activity; `people` are the fields that hold who did it."""

    def register(population: Population) -> Population:
        if name in _activities:
            raise ValueError(f"the activity {name} is declared twice")
        _activities[name] = Activity(name, title, words, population, _people(*people))
        return population

    return register


def activities() -> dict[str, Activity]:
    """All declared activities by name."""
    return dict(sorted(_activities.items()))


def outcome(*, passed: Q | None = None, failed: Q | None = None, waived: Q | None = None) -> Case:
    """The outcome of a row, the first that holds; what fits nothing is open, never passed."""
    cases = [("failed", failed), ("waived", waived), ("passed", passed)]
    return Case(
        *[When(condition, then=Value(word)) for word, condition in cases if condition is not None],
        default=Value("open"),
        output_field=CharField(),
    )


@activity(
    "deployments-authorised",
    "Production deployments under an approved change",
    "Each deployment to production passed if it stood under a change approved for exactly its content; "
    "one without a change, or without a record of authorisation, failed.",
    people=("deployed_by_id",),
)
def deployments_authorised(starts: datetime, ends: datetime) -> QuerySet:
    authorised = Exists(ChangeDeployment.objects.filter(deployment=OuterRef("pk"), authorised=True))
    rows = Deployment.objects.filter(
        environment__kind="production", started_at__gte=starts, started_at__lt=ends
    ).exclude(state="cancelled")
    return rows.annotate(stood=authorised).annotate(
        came_to=outcome(passed=Q(stood=True), failed=Q(stood=False))
    )


@activity(
    "changes-concluded",
    "Changes brought to an end",
    "Each change whose window ended in the period passed if it was completed successfully; with issues or backed out failed.",
    people=("author_id",),
)
def changes_concluded(starts: datetime, ends: datetime) -> QuerySet:
    rows = ChangeRequest.objects.filter(window_ends__gte=starts, window_ends__lt=ends).exclude(
        state__in=["draft", "rejected", "cancelled"]
    )
    return rows.annotate(
        came_to=outcome(passed=Q(outcome="successful"), failed=Q(outcome__in=["with_issues", "backed_out"]))
    )


@activity(
    "changes-decided",
    "Changes decided by a board",
    "Each change approved in the period at the revision that stands passed; one whose approval fell afterwards failed.",
    people=("author_id",),
)
def changes_decided(starts: datetime, ends: datetime) -> QuerySet:
    rows = ChangeRequest.objects.filter(approved_at__gte=starts, approved_at__lt=ends)
    exact = Q(approved_revision=F("revision"), approved_digest=F("content_digest"))
    return rows.annotate(came_to=outcome(passed=exact, failed=~exact))


@activity(
    "gate-verdicts",
    "Verdicts of gates",
    "Each settled evaluation of a gate: pass passed, fail and error failed, pending is open.",
)
def gate_verdicts(starts: datetime, ends: datetime) -> QuerySet:
    rows = Evaluation.objects.filter(finished_at__gte=starts, finished_at__lt=ends)
    return rows.annotate(came_to=outcome(passed=Q(verdict="pass"), failed=Q(verdict__in=["fail", "error"])))


@activity(
    "waivers-decided",
    "Waivers decided",
    "Each waiver decided in the period: a granted one lets a failing check through and counts as waived; a refused one passed.",
    people=("granted_by_id",),
)
def waivers_decided(starts: datetime, ends: datetime) -> QuerySet:
    rows = Waiver.objects.filter(decided_at__gte=starts, decided_at__lt=ends)
    return rows.annotate(
        came_to=outcome(waived=Q(state__in=["granted", "revoked"]), passed=Q(state="refused"))
    )


@activity(
    "findings-in-time",
    "Security findings dealt with in time",
    "Each finding due in the period: fixed or no real finding passed, risk accepted counts as waived, still open failed.",
)
def findings_in_time(starts: datetime, ends: datetime) -> QuerySet:
    rows = Finding.objects.filter(due_at__gte=starts, due_at__lt=ends)
    return rows.annotate(
        came_to=outcome(
            passed=Q(state__in=["fixed", "false_positive"]),
            waived=Q(state="accepted"),
            failed=Q(state__in=["open", "triaged", "reopened"]),
        )
    )


@activity(
    "evidence-packaged",
    "Evidence packages",
    "Each package finished in the period: done passed, failed failed.",
    people=("requested_by_id",),
)
def evidence_packaged(starts: datetime, ends: datetime) -> QuerySet:
    rows = EvidencePackage.objects.filter(finished_at__gte=starts, finished_at__lt=ends)
    return rows.annotate(came_to=outcome(passed=Q(state="done"), failed=Q(state="failed")))
