"""Where a Program Increment's points go: by bucket, as targeted, as planned and as done."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from planning.models import BucketShare, Feature, InvestmentBucket
from planning.queries.increments import latest_baseline
from planning.rules.allocation import Share, shares
from planning.states import FeatureState
from releasetrain.tenancy.scope import current_scope
from trains.models import ProgramIncrement

NO_BUCKET = "In no bucket"


def bucket_of(feature: Feature, buckets: list[InvestmentBucket]) -> InvestmentBucket | None:
    """The bucket a feature was put into, else the one its kind falls into."""
    if feature.bucket_id:
        return next((b for b in buckets if b.pk == feature.bucket_id), None)
    return next((b for b in buckets if feature.kind in b.kinds), None)


def in_bucket(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """The features that fall into a bucket; "none" asks for those in no bucket."""
    if value == "none":
        rows = rows.filter(bucket__isnull=True)
        for bucket in InvestmentBucket.objects.all():
            rows = rows.exclude(train=bucket.train_id, kind__in=bucket.kinds)
        return rows
    try:
        bucket = InvestmentBucket.objects.filter(pk=uuid.UUID(value)).first()
    except ValueError:
        bucket = None
    if bucket is None:
        return rows.none()
    return rows.filter(
        Q(bucket=bucket) | Q(bucket__isnull=True, train=bucket.train_id, kind__in=bucket.kinds)
    )


class BucketChoices:
    """The buckets of the organization as choices of a filter, read each time they are asked for."""

    def __bool__(self) -> bool:
        """Nothing to write into the schema, which all organizations share."""
        return False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        if current_scope() is None:
            return
        for bucket in InvestmentBucket.objects.select_related("train").order_by("train__key", "position"):
            yield str(bucket.pk), f"{bucket.train.key} {bucket.name}"
        yield "none", NO_BUCKET


@dataclass(frozen=True, slots=True)
class Line:
    """A bucket's share with the bucket itself (None: what is in no bucket)."""

    bucket: InvestmentBucket | None
    share: Share


@dataclass(frozen=True, slots=True)
class Allocation:
    """The shares of a Program Increment. `committed` says whether planned means the committed plan."""

    lines: tuple[Line, ...]
    committed: bool
    targets: int

    def plain(self) -> list[dict[str, Any]]:
        """For the API."""
        return [
            {
                "bucket": line.share.bucket,
                "target_percent": line.share.target,
                "planned_points": line.share.planned,
                "planned_percent": line.share.planned_percent,
                "actual_points": line.share.actual,
                "actual_percent": line.share.actual_percent,
                "sentence": line.share.sentence,
            }
            for line in self.lines
        ]


def allocation(pi: ProgramIncrement) -> Allocation:
    """Planned is the committed plan once there is one, else the plan of now; actual is what is done."""
    buckets = list(InvestmentBucket.objects.filter(train=pi.train_id).order_by("position", "name"))
    targets = {s.bucket.name: s.percent for s in BucketShare.objects.filter(pi=pi).select_related("bucket")}
    baseline = latest_baseline(pi)
    committed = {f["id"]: int(f["points"] or 0) for f in baseline.content["features"]} if baseline else {}
    features = Feature.objects.filter(Q(pi=pi) | Q(pk__in=list(committed)))
    planned: dict[str, int] = {}
    actual: dict[str, int] = {}
    for feature in features:
        bucket = bucket_of(feature, buckets)
        name = bucket.name if bucket else NO_BUCKET
        points = (
            committed.get(str(feature.pk), 0)
            if baseline
            else (feature.points or 0 if feature.iteration_id else 0)
        )
        planned[name] = planned.get(name, 0) + points
        if feature.pi_id == pi.pk and feature.state == FeatureState.DONE:
            actual[name] = actual.get(name, 0) + (feature.points or 0)
    names = [b.name for b in buckets]
    if NO_BUCKET in planned or NO_BUCKET in actual:
        names.append(NO_BUCKET)
    by_name = {b.name: b for b in buckets}
    listed = shares(names, targets, planned, actual)
    return Allocation(
        tuple(Line(by_name.get(s.bucket), s) for s in listed), baseline is not None, sum(targets.values())
    )
