"""Where configuration differs: what runs from what should, and what a release brings from what the CMDB says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from trains.models import (
    ConfigurationBaseline,
    ConfigurationItem,
    ConfigurationObservation,
    Deployment,
    Environment,
    Release,
    ToleratedDifference,
)
from trains.rules.drift import Difference, OnRecord, Unit, item_drift, unit_discrepancies, unknown_thing

from .deployments import current_versions, production_environments

_NOT_RUNNING = (ConfigurationItem.State.RETIRED, ConfigurationItem.State.PLANNED)


@dataclass(frozen=True)
class Found:
    """One difference, the item it is about (if any), who saw it, and whether somebody tolerates it now."""

    difference: Difference
    item: ConfigurationItem | None
    observation: ConfigurationObservation | None
    tolerated: ToleratedDifference | None

    @property
    def sentence(self) -> str:
        return self.difference.sentence

    @property
    def is_open(self) -> bool:
        return self.tolerated is None


@dataclass(frozen=True)
class Drift:
    """The differences of some items, those that no scanner ever saw, and the moment of the oldest look."""

    found: tuple[Found, ...]
    unseen: tuple[ConfigurationItem, ...]
    oldest: datetime | None
    looked_at: int

    @property
    def open(self) -> list[Found]:
        return [each for each in self.found if each.is_open]


def items_in(environment: Environment | None) -> QuerySet[ConfigurationItem]:
    """The items that should run in an environment: its own, and those that name none."""
    rows = ConfigurationItem.objects.exclude(state__in=_NOT_RUNNING)
    if environment is not None:
        rows = rows.filter(Q(environment__isnull=True) | Q(environment=environment))
    return rows


def drift_of(
    items: Iterable[ConfigurationItem],
    at: datetime,
    *,
    environment: Environment | None = None,
    strangers: bool = False,
) -> Drift:
    """How these items differ from what every scanner saw last of them; with `strangers` also what no item stands for."""
    listed = {item.pk: item for item in items if item.state not in _NOT_RUNNING}
    seen = ConfigurationObservation.objects.filter(item__in=list(listed))
    rows = list(_there(seen, environment).order_by("item", "source", "-observed_at", "-id"))
    differences: list[tuple[Difference, ConfigurationItem | None, ConfigurationObservation]] = []
    met: set[tuple[UUID | None, str]] = set()
    latest = []
    for row in rows:
        item = listed.get(row.item_id) if row.item_id else None
        if item is None or (row.item_id, row.source) in met:
            continue
        met.add((row.item_id, row.source))
        latest.append(row)
        differences += [
            (each, item, row)
            for each in item_drift(
                str(item.pk), item.name, item.should_be(), row.state, present=row.present, scanner=row.source
            )
        ]
    if strangers:
        unknown = ConfigurationObservation.objects.filter(item__isnull=True, present=True)
        differences += [
            (unknown_thing(row.source, row.external_id, row.name), None, row)
            for row in _there(unknown, environment).order_by("source", "external_id")
        ]
    tolerated = _tolerated([each for each, _, _ in differences], None, at)
    found = tuple(Found(each, item, row, tolerated.get(each.fingerprint)) for each, item, row in differences)
    unseen = tuple(item for pk, item in listed.items() if pk not in {pk for pk, _ in met})
    oldest = min((row.observed_at for row in latest), default=None)
    return Drift(found, unseen, oldest, len(listed))


def _there(
    rows: QuerySet[ConfigurationObservation], environment: Environment | None
) -> QuerySet[ConfigurationObservation]:
    if environment is None:
        return rows
    return rows.filter(Q(environment__isnull=True) | Q(environment=environment))


def _tolerated(
    differences: Iterable[Difference], release: Release | None, at: datetime
) -> dict[str, ToleratedDifference]:
    """Who tolerates what now, by fingerprint."""
    prints = {each.fingerprint for each in differences}
    rows = ToleratedDifference.objects.filter(
        fingerprint__in=prints, ended_at__isnull=True, expires_at__gt=at
    )
    rows = rows.filter(release=release) if release else rows.filter(release__isnull=True)
    return {row.fingerprint: row for row in rows.select_related("accepted_by").order_by("expires_at")}


def latest_baseline(release: Release) -> ConfigurationBaseline | None:
    """The baseline that counts for a release: its last one."""
    return ConfigurationBaseline.objects.filter(release=release).order_by("-frozen_at", "-id").first()


def baselines_of(digests: Iterable[str]) -> dict[str, ConfigurationBaseline]:
    """The last baseline that each build, by digest, is a deployment unit of."""
    wanted = list(dict.fromkeys(digests))
    if not wanted:
        return {}
    has_one = Q()
    for each in wanted:
        has_one |= Q(units__contains=[each])
    rows = ConfigurationBaseline.objects.filter(has_one).defer("content").order_by("frozen_at", "id")
    return {unit: row for row in rows for unit in row.units if unit in wanted}


def deployed_baseline(actor: Any, deployment: Deployment) -> list[ConfigurationBaseline]:
    """The baseline that the build of a deployment is a unit of."""
    return list(baselines_of([deployment.artifact.digest]).values()) if deployment.artifact else []


def discrepancies_of(release: Release, at: datetime) -> list[Found]:
    """Where the release's planned content and the CMDB disagree, accepted ones included."""
    carried = list(release.artifacts.select_related("artifact", "service").order_by("service__name"))
    items = ConfigurationItem.objects.filter(service__in=[each.service_id for each in carried])
    production = production_environments(release.train)
    items = items.filter(Q(environment__isnull=True) | Q(environment__in=production)).order_by("key")
    by_service: dict[UUID | None, list[ConfigurationItem]] = {}
    for item in items:
        by_service.setdefault(item.service_id, []).append(item)
    for service, listed in by_service.items():
        # An item that was replaced long ago is no discrepancy beside the one in use.
        live = [item for item in listed if item.state != ConfigurationItem.State.RETIRED]
        by_service[service] = live or listed
    baseline = latest_baseline(release)
    frozen = {row["id"]: row["digest"] for row in baseline.content["items"]} if baseline else {}
    running = current_versions(services=[each.service_id for each in carried])
    there = {environment.pk for environment in production}
    differences: list[tuple[Difference, Any]] = []
    for each in carried:
        own = by_service.get(each.service_id, [])
        deployed = running.get(each.service_id, {})
        found = unit_discrepancies(
            Unit(each.service.name, each.artifact.version, each.artifact.digest),
            [
                OnRecord(
                    item.key,
                    item.name,
                    item.version,
                    item.state,
                    item.expected_digest,
                    frozen.get(str(item.pk), ""),
                    item.regulated,
                )
                for item in own
            ],
            release=str(release.pk),
            running=[d.version for pk, d in deployed.items() if pk in there],
            regulated=each.service.regulated,
            baselined=bool(baseline and each.artifact.digest in baseline.units),
            has_baseline=baseline is not None,
        )
        differences += [
            (one, next((i for i in own if one.subject.endswith(f"/{i.key}")), None)) for one in found
        ]
    tolerated = _tolerated([each for each, _ in differences], release, at)
    return [Found(each, item, None, tolerated.get(each.fingerprint)) for each, item in differences]
