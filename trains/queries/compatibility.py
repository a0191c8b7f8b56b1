"""Which declared ranges hold where: requirements between services, and skew between environments."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from trains.models import CompatibilityRule, Environment, Service, SkewLimit
from trains.rules.compatibility import OK, UNKNOWN, VIOLATED, Judgement, Need, Skew, judge, skew, within

from .deployments import current_versions, version_running

Running = dict[uuid.UUID, dict[uuid.UUID, str]]


@dataclass(frozen=True)
class Standing:
    """What a declared rule says in an environment."""

    rule: CompatibilityRule | SkewLimit
    environment: Environment
    judgement: Judgement

    @property
    def verdict(self) -> str:
        return self.judgement.verdict

    @property
    def sentence(self) -> str:
        return self.judgement.sentence

    @property
    def remedy(self) -> str:
        if not self.judgement.blocks:
            return ""
        if isinstance(self.rule, SkewLimit):
            return f"Bring {self.rule.behind} forward first, or change the limit."
        return f"Deploy a {self.rule.requires} in {self.rule.range} first, or correct the requirement."


def running_versions(services: Iterable[uuid.UUID] | None = None) -> Running:
    """Environment id → service id → the version that runs there."""
    found: Running = {}
    for service, by_environment in current_versions(services=services).items():
        for environment, deployment in by_environment.items():
            found.setdefault(environment, {})[service] = version_running(deployment)
    return found


def requirements_of(services: Iterable[uuid.UUID] | None = None) -> list[CompatibilityRule]:
    """The requirements in force, of all services or of those that these take part in."""
    rows = CompatibilityRule.objects.filter(retired_at__isnull=True)
    if services is not None:
        ids = list(services)
        rows = rows.filter(Q(service__in=ids) | Q(requires__in=ids))
    return list(rows.select_related("service", "requires", "environment"))


def limits_in_force(services: Iterable[uuid.UUID] | None = None) -> list[SkewLimit]:
    """The skew limits in force."""
    rows = SkewLimit.objects.filter(retired_at__isnull=True)
    if services is not None:
        rows = rows.filter(Q(service__isnull=True) | Q(service__in=list(services)))
    return list(rows.select_related("service", "ahead", "behind"))


def requirements_in(
    environment: Environment, requirements: Iterable[CompatibilityRule], versions: Mapping[uuid.UUID, str]
) -> list[Standing]:
    """What the requirements say of these versions in the environment."""
    return [
        Standing(
            row,
            environment,
            judge(
                Need(row.service.name, row.versions, row.requires.name, row.range),
                versions.get(row.service_id),
                versions.get(row.requires_id),
            ),
        )
        for row in requirements
        if row.environment_id in (None, environment.pk)
    ]


def skews_of(
    limits: Iterable[SkewLimit],
    services: Mapping[uuid.UUID, Service],
    running: Mapping[uuid.UUID, Mapping[uuid.UUID, str]],
) -> list[Standing]:
    """Each limit for each service that runs in both environments."""
    found = []
    for limit in limits:
        ahead, behind = running.get(limit.ahead_id, {}), running.get(limit.behind_id, {})
        concerned = [limit.service_id] if limit.service_id else sorted(ahead.keys() & behind.keys())
        for service_id in concerned:
            if service_id in services and service_id in ahead and service_id in behind:
                said = _skew(limit, services[service_id].name, ahead[service_id], behind[service_id])
                found.append(Standing(limit, limit.ahead, said))
    return found


def _skew(limit: SkewLimit, service: str, ahead: str, behind: str) -> Judgement:
    apart: Skew | None = skew(ahead, behind)
    where = f"{service} {ahead} in {limit.ahead} and {behind} in {limit.behind}"
    if apart is None:
        return Judgement(UNKNOWN, f"{where} cannot be compared: no SemVer versions.")
    allowed = f"at most {limit.at_most} {limit.part} version{'' if limit.at_most == 1 else 's'} ahead"
    if within(apart, limit.part, limit.at_most):
        return Judgement(OK, f"{where}: {apart} ({allowed}).")
    return Judgement(VIOLATED, f"{where}: {apart}, but {allowed} is allowed.")


def standings(
    environment: Environment, planned: Mapping[uuid.UUID, str], services: Mapping[uuid.UUID, Service]
) -> list[Standing]:
    """What every declared range says once the planned versions have arrived in the environment."""
    requirements = requirements_of(planned)
    limits = [r for r in limits_in_force(planned) if environment.pk in (r.ahead_id, r.behind_id)]
    involved = {*planned, *(r.service_id for r in requirements), *(r.requires_id for r in requirements)}
    running = running_versions(involved)
    running[environment.pk] = {**running.get(environment.pk, {}), **planned}
    return [
        *requirements_in(environment, requirements, running[environment.pk]),
        *skews_of(limits, services, running),
    ]
