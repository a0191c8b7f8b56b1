"""The configuration items that a release touches, as far as they are on record here."""

from __future__ import annotations

from trains.models import Contract, Environment, Release, SharedPlatform


def affected_items(release: Release) -> list[str]:
    """One line each: services with their versions, interfaces they offer, platforms they are, environments touched.

    Environments are those that the release was deployed to or has booked.
    """
    builds = list(release.artifacts.select_related("artifact", "service"))
    services = [build.service_id for build in builds]
    contracts = Contract.objects.filter(provider__in=services, retired_at__isnull=True)
    offered: dict[str, list[str]] = {}
    for contract in contracts.select_related("provider", "consumer").order_by("provider__name", "name"):
        line = f"{contract.get_kind_display()} {contract.name} of {contract.provider.name}"
        offered.setdefault(line, []).append(contract.consumer.name)
    booked = release.bookings.exclude(state="cancelled").values("resource__environment")
    deployed = release.deployments.values("environment")
    environments = Environment.objects.filter(pk__in=deployed) | Environment.objects.filter(pk__in=booked)
    return [
        *(f"{build.service.name} {build.artifact.version}".strip() for build in builds),
        *(f"{line}, used by {', '.join(users)}" for line, users in offered.items()),
        *(f"Platform {each.name}" for each in SharedPlatform.objects.filter(service__in=services)),
        *(f"Environment {each.name}" for each in environments.distinct().order_by("rank", "name")),
    ]
