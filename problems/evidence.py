"""Records of problems for evidence packages: incidents, problems, and the root causes that travel with a release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from governance.evidence.collect import Entry, Subject, attachments, collector, shown, subject_kind
from governance.models import ChangeRequest, StoredFile
from problems.models import (
    Deviation,
    FailureLink,
    Incident,
    IncidentService,
    ObservationWindow,
    Problem,
    ProblemFix,
    ProblemIncident,
    RecurrenceSignal,
    RootCause,
    SignalReading,
    SuccessCriterion,
    WindowProposal,
)
from trains.models import Deployment, ReleaseArtifact


@subject_kind("problem", "Problem", Problem)
def of_problem(problem: Problem) -> Subject:
    """The problem with the releases that fix it, their changes, and the deployments that carried the fix or failed."""
    fixes = ProblemFix.objects.filter(problem=problem)
    releases = frozenset(fixes.values_list("release_id", flat=True))
    carried = Q(release__in=releases) | Q(observation_windows__problem=problem)
    failed = Q(failure_links__incident__problems__problem=problem)
    return Subject(
        kind="problem",
        title="Problem",
        label=str(problem),
        object=problem,
        releases=releases,
        changes=frozenset(ChangeRequest.objects.filter(release__in=releases).values_list("pk", flat=True)),
        deployments=frozenset(Deployment.objects.filter(carried | failed).values_list("pk", flat=True)),
        artifacts=frozenset(
            ReleaseArtifact.objects.filter(release__in=releases).values_list("artifact_id", flat=True)
        ),
    )


@collector("problems.incidents")
def incidents(subject: Subject) -> Iterator[Entry]:
    """Incidents that people or rules lay to the deployments or to the problem, disputed ones too."""
    links = FailureLink.objects.filter(deployment__in=subject.deployments)
    laid = Q(failure_links__in=links) | Q(problems__problem__in=_problems(subject))
    chosen = Incident.objects.filter(pk__in=Incident.objects.filter(laid).values("pk"))
    yield from subject.records(chosen)
    yield from subject.records(IncidentService.objects.filter(incident__in=chosen))
    yield from subject.records(links)


@collector("problems.problems")
def problems(subject: Subject) -> Iterator[Entry]:
    """Problems that the releases fix, with their root causes and what was observed afterwards."""
    chosen = _problems(subject)
    yield from subject.records(chosen)
    yield from subject.records(ProblemFix.objects.filter(problem__in=chosen))
    yield from subject.records(RootCause.objects.filter(problem__in=chosen))
    yield from subject.records(ObservationWindow.objects.filter(problem__in=chosen))
    yield from subject.records(ProblemIncident.objects.filter(problem__in=chosen))


@collector("problems.conduct")
def conduct(subject: Subject) -> Iterator[Entry]:
    """What was agreed and left out for these problems: criteria, signals with their readings, deviations, windows."""
    chosen = _problems(subject)
    yield from subject.records(SuccessCriterion.objects.filter(problem__in=chosen))
    yield from subject.records(RecurrenceSignal.objects.filter(problem__in=chosen))
    yield from subject.records(SignalReading.objects.filter(signal__problem__in=chosen, crossed=True))
    yield from subject.records(Deviation.objects.filter(problem__in=chosen))
    yield from subject.records(WindowProposal.objects.filter(problem__in=chosen))


@attachments()
def documents(subject: Subject) -> Iterator[StoredFile]:
    """The documents of validated root causes."""
    causes = RootCause.objects.filter(problem__in=_problems(subject), document__isnull=False)
    yield from (cause.document for cause in causes.select_related("document").order_by("id"))


def _problems(subject: Subject) -> QuerySet[Problem]:
    """A package about a problem is about that one; any other has the problems that its releases fix."""
    if isinstance(subject.object, Problem):
        return Problem.objects.filter(pk=subject.object.pk)
    fixed = ProblemFix.objects.filter(release__in=subject.releases)
    return Problem.objects.filter(pk__in=fixed.values("problem"))


def _cause(data: dict[str, Any]) -> str:
    state = data["state"]
    return (
        ""
        if state == RootCause.State.VALIDATED
        else f"This root cause is {state}: nobody else has confirmed it."
    )


def _window(data: dict[str, Any]) -> str:
    return (
        "The problem came back while it was observed."
        if data["state"] == ObservationWindow.State.BREACHED
        else ""
    )


shown(
    "incident",
    "Incidents",
    order=300,
    columns=(
        ("Incident", "key"),
        ("Title", "title"),
        ("Severity", "severity"),
        ("Detected", "detected_at"),
        ("Resolved", "resolved_at"),
    ),
    absent="No incident is laid to these deployments.",
    sort="detected_at",
)
shown(
    "failurelink",
    "What deployments had to do with incidents",
    order=305,
    columns=(
        ("Incident", "incident"),
        ("Deployment", "deployment"),
        ("Link", "kind"),
        ("Status", "status"),
        ("Why", "reason"),
    ),
)
shown(
    "problem",
    "Problems fixed",
    order=310,
    columns=(("Problem", "key"), ("Title", "title"), ("Severity", "severity"), ("State", "state")),
)
shown(
    "rootcause",
    "Root causes",
    order=315,
    columns=(
        ("Problem", "problem"),
        ("Root cause", "statement"),
        ("Method", "method"),
        ("State", "state"),
        ("Author", "author"),
        ("Validated by", "validator"),
    ),
    attention=_cause,
)
shown(
    "observationwindow",
    "Observation after the fix",
    order=320,
    columns=(
        ("Problem", "problem"),
        ("From", "starts"),
        ("Until", "ends"),
        ("State", "state"),
        ("Exposure", "exposure"),
    ),
    attention=_window,
)
shown(
    "deviation",
    "Deviations from the standard procedure",
    order=325,
    columns=(
        ("Deviation", "key"),
        ("Step", "step"),
        ("What", "what"),
        ("Why", "reason"),
        ("Accepted by", "accepted_by"),
        ("Caught up by", "catch_up_by"),
        ("Caught up", "caught_up_at"),
    ),
    attention=lambda data: "" if data["caught_up_at"] else "It is not caught up.",
)
shown(
    "successcriterion",
    "Success criteria",
    order=322,
    columns=(
        ("Problem", "problem"),
        ("Measure", "measure"),
        ("Target", "target"),
        ("Before", "baseline"),
        ("Since", "measured"),
        ("Met", "met"),
    ),
)
