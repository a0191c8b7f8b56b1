"""Where is this library? Components by package URL or name and by version, and where they are deployed now."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q

from governance.models import Component, Result
from governance.queries.results import standing_results
from governance.rules.affected import as_vers, in_range
from governance.rules.intake.packages import package_of
from governance.rules.reading import OPENVEX
from releasetrain.kernel.refusals import refuse
from trains.models import Artifact, Deployment, Environment, Release, ReleaseArtifact
from trains.queries.deployments import current_versions

MOST = 2_000
_OPEN = (
    Release.State.PLANNING,
    Release.State.SCOPED,
    Release.State.FROZEN,
    Release.State.READY,
    Release.State.APPROVED,
    Release.State.DEPLOYING,
)


@dataclass
class Place:
    """A component in a build, and the environments where the build runs now."""

    component: Component
    artifact: Artifact
    result: Result
    environments: list[Environment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)


def running_artifacts(artifact_ids: Iterable[uuid.UUID] | None = None) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Artifact id → the environments where it runs now, as pipelines recorded it."""
    services = None
    if artifact_ids is not None:
        wanted = Artifact.objects.filter(pk__in=list(artifact_ids))
        services = set(wanted.values_list("service_id", flat=True))
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for by_environment in current_versions(services=services).values():
        for environment_id, deployment in by_environment.items():
            artifact_id = _left_running(deployment)
            if artifact_id:
                found[artifact_id].append(environment_id)
    return found


def _left_running(deployment: Deployment) -> uuid.UUID | None:
    """A rollback that names no build left the one running that it restored."""
    if deployment.artifact_id is None and deployment.restores:
        found: uuid.UUID | None = deployment.restores.artifact_id
        return found
    own: uuid.UUID | None = deployment.artifact_id
    return own


def artifacts_in_use() -> list[Artifact]:
    """Builds that run somewhere, are on their way in an open release, or are the newest with a bill of materials."""
    ids = set(running_artifacts())
    ids |= set(ReleaseArtifact.objects.filter(release__state__in=_OPEN).values_list("artifact_id", flat=True))
    newest = (
        Result.objects.filter(kind="composition")
        .order_by("artifact__service_id", "-reported_at", "-id")
        .distinct("artifact__service_id")
    )
    ids |= set(newest.values_list("artifact_id", flat=True))
    return list(Artifact.objects.filter(pk__in=ids).select_related("service"))


def where_is(
    asked: str, versions: str = "", *, deployed: bool = False, environment: Environment | None = None
) -> list[Place]:
    """Every build in use with a component of this package URL or name, in these versions.

    `versions` is one version or a range: >=1.0, <1.2.6 or vers:npm/>=1.0|<1.2.6.
    """
    asked = asked.strip().replace("\0", "")
    if not asked:
        return []
    package = package_of(asked)
    name = asked.lower()
    named = (
        Q(package=package)
        if package
        else Q(package__endswith=f"/{name}") | Q(name__iexact=asked) | Q(name__iendswith=f"/{name}")
    )
    running = running_artifacts()
    artifacts = {a.pk: a for a in artifacts_in_use()}
    standing = standing_results(artifacts.values(), "composition")
    results = {r.pk: r for rows in standing.values() for r in rows if r.format != OPENVEX}
    rows = Component.objects.filter(named, result__in=list(results)).order_by("package", "name", "version")
    environments = {e.pk: e for e in Environment.objects.all()}
    releases: dict[uuid.UUID, list[Release]] = defaultdict(list)
    for link in ReleaseArtifact.objects.filter(
        artifact__in=list(artifacts), release__state__in=_OPEN
    ).select_related("release"):
        releases[link.artifact_id].append(link.release)
    found = []
    for component in rows[:MOST]:
        if versions.strip() and not version_wanted(component, versions):
            continue
        result = results[component.result_id]
        places = [environments[pk] for pk in running.get(result.artifact_id, ()) if pk in environments]
        if environment is not None:
            places = [place for place in places if place.pk == environment.pk]
        if (deployed or environment is not None) and not places:
            continue
        places.sort(key=lambda e: (-e.rank, e.name))
        found.append(
            Place(
                component, artifacts[result.artifact_id], result, places, releases.get(result.artifact_id, [])
            )
        )
    found.sort(
        key=lambda p: (not p.environments, p.component.name, p.artifact.service.name, p.component.version)
    )
    return found


def version_wanted(component: Component, versions: str) -> bool:
    """Whether a component's version is the one, or lies in the range, that was asked for."""
    text = versions.strip()
    if text == component.version:
        return True
    if text[0] not in "<>=!v" and "," not in text and "|" not in text:
        return False
    kind = component.package[4:].partition("/")[0] if component.package.startswith("pkg:") else "generic"
    expression = as_vers(kind, text)
    if not expression:
        refuse(
            "component.versions",
            f"{text[:80]!r} is no range of versions.",
            remedy="Write a version, or a range such as >=1.0, <1.2.6.",
            field="versions",
            status=422,
        )
    return bool(component.version) and in_range(expression, component.version)
