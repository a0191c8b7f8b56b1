"""The package of a release that fixes problems: its patch tag, what is in it beyond what is affected, what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from problems.models import Incident, IncidentService, Problem
from problems.rules import patch_tags
from releasetrain.kernel.refusals import Ref
from trains.models import Contract, Deployment, Environment, Release, Service
from trains.queries.deployments import current_versions, version_running
from trains.queries.impact import items_of, rests_on

from .claims import claimed_by, open_problems
from .fix_risk import services_of_release

FIXING = ("problem_fix", "hotfix")


@dataclass(frozen=True)
class Upstream:
    """A service that the package rests on, what runs of it in production, and why that is no firm ground."""

    service: Service
    version: str
    faults: tuple[str, ...]
    ref: Ref | None = None


@dataclass(frozen=True)
class Package:
    """The package as it stands."""

    release: Release
    problems: tuple[Problem, ...]
    tag: str
    message: str
    version_fault: str
    strangers: tuple[Service, ...]
    affected: tuple[Service, ...]
    upstream: tuple[Upstream, ...]

    @property
    def shaky(self) -> list[Upstream]:
        return [u for u in self.upstream if u.faults]

    @property
    def fixes_only(self) -> bool:
        """Whether it is a release of fixes, apart from features."""
        return self.release.classification in FIXING


def package_of(release: Release) -> Package | None:
    """The package of the release, or None where it fixes no problem."""
    problems = claimed_by(release)
    if not problems:
        return None
    affected = affected_services(problems)
    carried = services_of_release(release)
    known = {s.pk for s in affected}
    return Package(
        release,
        tuple(problems),
        patch_tags.tag(release.version, [p.key for p in problems]),
        patch_tags.message([(p.key, p.title) for p in problems]),
        patch_tags.fault(release.version, _out_before(release)) or "",
        tuple(s for s in carried if s.pk not in known),
        tuple(affected),
        tuple(_upstream(release, carried)),
    )


def affected_services(problems: Iterable[Problem]) -> list[Service]:
    """The services of the problems, and those that their incidents touched."""
    listed = list(problems)
    incidents = Incident.objects.filter(problems__problem__in=listed)
    touched = set(IncidentService.objects.filter(incident__in=incidents).values_list("service_id", flat=True))
    return list(Service.objects.filter(pk__in=touched | {p.service_id for p in listed}).order_by("name"))


def _out_before(release: Release) -> list[str]:
    """Versions of the train that went out."""
    rows = Release.objects.filter(train_id=release.train_id, released_at__isnull=False).exclude(pk=release.pk)
    return list(rows.values_list("version", flat=True))


def upstream_of(services: list[Service]) -> list[Service]:
    """What these services rely on, by contract or as configuration items that they rest on; none of themselves."""
    ids = [s.pk for s in services]
    named = set(
        Contract.objects.filter(consumer__in=ids, retired_at__isnull=True).values_list(
            "provider_id", flat=True
        )
    )
    return list(Service.objects.filter(pk__in=named - set(ids)).order_by("name"))


def _upstream(release: Release, carried: list[Service]) -> Iterable[Upstream]:
    mine = {s.pk for s in carried}
    relied = {s.pk: s for s in upstream_of(carried)}
    for item in rests_on(items_of(release)):
        if item.service_id and item.service_id not in mine:
            relied.setdefault(item.service_id, item.service)
    if not relied:
        return
    production = set(Environment.objects.filter(kind="production").values_list("pk", flat=True))
    runs = current_versions(services=relied)
    latest = _latest(relied, production)
    troubled: dict[UUID, list[Problem]] = {}
    for problem in open_problems(relied, 2):
        troubled.setdefault(problem.service_id, []).append(problem)
    for pk, service in sorted(relied.items(), key=lambda each: each[1].name):
        live = [d for env, d in runs.get(pk, {}).items() if env in production]
        deployment = max(live, key=lambda d: d.started_at, default=None)
        yield Upstream(
            service,
            version_running(deployment) if deployment else "",
            tuple(_faults(service, deployment, latest.get(pk), troubled.get(pk, []))),
            Ref.of(deployment) if deployment else Ref.of(service),
        )


def _latest(services: Iterable[UUID], production: set[UUID]) -> dict[UUID, Deployment]:
    """The last production deployment of each service, whatever became of it."""
    rows = Deployment.objects.filter(service__in=list(services), environment__in=production)
    rows = rows.exclude(state=Deployment.State.CANCELLED).order_by("service_id", "-started_at", "-id")
    return {d.service_id: d for d in rows.distinct("service_id").select_related("release")}


_UNAPPROVED = ("planning", "scoped", "frozen", "ready", "cancelled")


def _faults(
    service: Service, live: Deployment | None, last: Deployment | None, problems: list[Problem]
) -> Iterable[str]:
    """Why it is unapproved or unstable: nothing known of it, a pre-release, an unapproved release, a failure, open problems."""
    if live is None:
        yield f"Nothing of {service.name} is known to run in production."
        return
    version = patch_tags.core(version_running(live))
    if version is not None and version.prerelease:
        yield f"{service.name} {version} is a pre-release."
    release = last.release if last is not None else None
    if release is not None and release.state in _UNAPPROVED:
        yield f"{release} of {service.name} runs in production without being approved."
    if last is not None and last.state in (Deployment.State.FAILED, Deployment.State.ROLLED_BACK):
        yield f"The last deployment of {service.name}, {last.version}, is {last.get_state_display().lower()}."
    if last is not None and last.state == Deployment.State.RUNNING:
        yield f"A deployment of {service.name} is running."
    for problem in problems[:3]:
        yield f"{problem.key} of {service.name} is open ({problem.get_severity_display()})."


def as_data(found: Package) -> dict[str, Any]:
    """The package as plain values."""
    return {
        "release": found.release.key,
        "version": found.release.version,
        "tag": found.tag,
        "message": found.message,
        "version_fault": found.version_fault or None,
        "problems": [{"key": p.key, "title": p.title, "state": p.state} for p in found.problems],
        "affected": [s.name for s in found.affected],
        "not_affected": [s.name for s in found.strangers],
        "upstream": [
            {"service": u.service.name, "version": u.version, "faults": list(u.faults)}
            for u in found.upstream
        ],
    }
