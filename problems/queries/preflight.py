"""Before a start on an environment: the open problems of what runs there or is to go there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from problems.models import ObservationWindow, Problem
from trains.models import Environment, Release, Service
from trains.queries.deployments import current_versions, version_running

from .claims import claimed_by, open_problems
from .fix_risk import services_of_release


@dataclass(frozen=True)
class Line:
    """One service of the environment: what runs there, what is open, what is fixed and observed."""

    service: Service
    version: str
    open: tuple[Problem, ...]
    fixed: tuple[Problem, ...]
    observed: tuple[ObservationWindow, ...]


def problems_on(environment: Environment, release: Release | None = None, worst: int = 4) -> list[Line]:
    """Every service that runs on the environment, or that the release brings there, with its open problems."""
    running = {
        service: places[environment.pk]
        for service, places in current_versions().items()
        if environment.pk in places
    }
    wanted = {s.pk for s in services_of_release(release)} if release else set(running)
    services = list(Service.objects.filter(pk__in=wanted).select_related("team").order_by("tier", "name"))
    claimed = {p.pk for p in claimed_by(release)} if release else set()
    found: dict[Any, list[Problem]] = {}
    for problem in open_problems([s.pk for s in services], worst):
        found.setdefault(problem.service_id, []).append(problem)
    windows: dict[Any, list[ObservationWindow]] = {}
    rows = ObservationWindow.objects.filter(
        state=ObservationWindow.State.RUNNING, problem__service__in=services
    )
    for window in rows.select_related("problem"):
        windows.setdefault(window.problem.service_id, []).append(window)
    return [
        Line(
            s,
            version_running(running[s.pk]) if s.pk in running else "",
            tuple(p for p in found.get(s.pk, []) if p.pk not in claimed),
            tuple(p for p in found.get(s.pk, []) if p.pk in claimed),
            tuple(windows.get(s.pk, [])),
        )
        for s in services
    ]


def as_data(lines: list[Line]) -> list[dict[str, Any]]:
    """The lines as plain values."""

    def problem(p: Problem) -> dict[str, Any]:
        return {
            "key": p.key,
            "title": p.title,
            "severity": p.severity,
            "state": p.state,
            "workaround": p.workaround,
        }

    return [
        {
            "service": line.service.name,
            "version": line.version,
            "open": [problem(p) for p in line.open],
            "fixed_by_release": [problem(p) for p in line.fixed],
            "observed": [{"problem": w.problem.key, "until": w.ends} for w in line.observed],
        }
        for line in lines
    ]
