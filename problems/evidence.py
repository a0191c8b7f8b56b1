"""Records of problems for evidence packages: incidents, problems, and the root causes that travel with a release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.evidence.collect import Entry, Subject, collector, shown
from problems.models import (
    FailureLink,
    Incident,
    IncidentService,
    ObservationWindow,
    Problem,
    ProblemFix,
    ProblemIncident,
    RootCause,
)


@collector("problems.incidents")
def incidents(subject: Subject) -> Iterator[Entry]:
    """Incidents that people or rules lay to the deployments, disputed ones too."""
    links = FailureLink.objects.filter(deployment__in=subject.deployments)
    chosen = Incident.objects.filter(pk__in=links.values("incident"))
    yield from subject.records(chosen)
    yield from subject.records(IncidentService.objects.filter(incident__in=chosen))
    yield from subject.records(links)


@collector("problems.problems")
def problems(subject: Subject) -> Iterator[Entry]:
    """Problems that the releases fix, with their root causes and what was observed afterwards."""
    fixes = ProblemFix.objects.filter(release__in=subject.releases)
    chosen = Problem.objects.filter(pk__in=fixes.values("problem"))
    yield from subject.records(chosen)
    yield from subject.records(fixes)
    yield from subject.records(RootCause.objects.filter(problem__in=chosen))
    yield from subject.records(ObservationWindow.objects.filter(problem__in=chosen))
    yield from subject.records(ProblemIncident.objects.filter(problem__in=chosen))


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
