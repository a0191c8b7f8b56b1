"""Verbs of shared platforms, of what they promise, and of what was measured."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Comparison, LevelMeasurement, Service, ServiceLevel, SharedPlatform, Train

Number = Annotated[Decimal, Field("Value", min=-9_999_999_999, max=9_999_999_999)]

explain_constraint("platform_name_once", "There is a platform of this name.")
explain_constraint(
    "service_level_once", "This indicator is promised to the train already; edit that promise."
)


@action("shared_platform.create", creates=SharedPlatform, requires="trains.manage", within="provider")
def create_platform(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    provider: Annotated[Train, Field("Provider train")],
    service: Annotated[Service | None, Field("Service")] = None,
    description: Annotated[str, Field("Description", long=True)] = "",
    contact: Annotated[str, Field("Contact", max_length=200)] = "",
) -> SharedPlatform:
    """Register a platform that several trains rely on."""
    return SharedPlatform.objects.create(
        name=name, provider=provider, service=service, description=description, contact=contact
    )


@action("shared_platform.edit", on=SharedPlatform, requires="trains.manage")
def edit_platform(
    actor: Actor,
    platform: SharedPlatform,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    service: Annotated[Service | None, Field("Service")] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
    contact: Annotated[str | None, Field("Contact", max_length=200)] = None,
) -> SharedPlatform:
    """Change a platform; what is left empty stays."""
    news = {"name": name, "service": service, "description": description, "contact": contact}
    for field, value in news.items():
        if value is not None:
            setattr(platform, field, value)
    platform.save()
    return platform


@action("shared_platform.promise", on=SharedPlatform, requires="trains.manage", label="Promise a level")
def promise_level(
    actor: Actor,
    platform: SharedPlatform,
    *,
    consumer: Annotated[Train, Field("Consumer train")],
    indicator: Annotated[str, Field("Indicator", help="E.g. availability.", max_length=80)],
    target: Annotated[Decimal, Field("Target", min=-9_999_999_999, max=9_999_999_999)],
    comparison: Annotated[Comparison, Field("Good is")] = Comparison.AT_LEAST,
    unit: Annotated[str, Field("Unit", max_length=20)] = "",
    window_days: Annotated[int, Field("Over days", min=1, max=366)] = 30,
) -> ServiceLevel:
    """Promise a consumer train an indicator's target."""
    if consumer.pk == platform.provider_id:
        refuse("service_level.own", f"{consumer} runs {platform} itself.", field="consumer")
    return ServiceLevel.objects.create(
        platform=platform,
        consumer=consumer,
        indicator=indicator.strip(),
        comparison=comparison,
        target=target,
        unit=unit,
        window_days=window_days,
    )


@action("service_level.edit", on=ServiceLevel, requires="trains.manage")
def edit_level(
    actor: Actor,
    level: ServiceLevel,
    *,
    target: Annotated[Decimal | None, Field("Target", min=-9_999_999_999, max=9_999_999_999)] = None,
    unit: Annotated[str | None, Field("Unit", max_length=20)] = None,
    window_days: Annotated[int | None, Field("Over days", min=1, max=366)] = None,
) -> ServiceLevel:
    """Agree another target; what was measured before keeps its judgement, the latest value is judged anew."""
    if target is not None:
        level.target = target
    if unit is not None:
        level.unit = unit
    if window_days is not None:
        level.window_days = window_days
    if level.measured is not None:
        level.breached_since = (
            None if is_met(level, level.measured) else (level.breached_since or level.measured_at)
        )
    level.save()
    return level


@action("service_level.retire", on=ServiceLevel, requires="trains.manage", danger=True)
def retire_level(
    actor: Actor, level: ServiceLevel, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ServiceLevel:
    """Withdraw a promise."""
    if level.retired_at:
        refuse("service_level.retired", "The promise is withdrawn already.")
    level.retired_at = now()
    level.breached_since = None
    level.save()
    return level


@action("service_level.measure", on=ServiceLevel, requires="results.post", label="Post a measurement")
def measure_level(
    actor: Actor,
    level: ServiceLevel,
    *,
    value: Number,
    at: Annotated[datetime | None, Field("Measured at", help="Empty: now.")] = None,
    source: Annotated[str, Field("Source", max_length=80)] = "",
    external_id: Annotated[
        str, Field("Id at the source", help="The same id again changes nothing.", max_length=200)
    ] = "",
) -> LevelMeasurement:
    """Post a measured value; the latest one says whether the promise is kept."""
    if level.retired_at:
        refuse(
            "service_level.retired", "The promise is withdrawn.", remedy="Measure a promise that is in force."
        )
    moment = at or now()
    if external_id:
        known = level.measurements.filter(source=source, external_id=external_id).first()
        if known:
            return known
    found = LevelMeasurement.objects.create(
        level=level,
        at=moment,
        value=value,
        met=is_met(level, value),
        source=source,
        external_id=external_id,
    )
    if level.measured_at is None or moment >= level.measured_at:
        level.measured, level.measured_at = value, moment
    level.breached_since = _breached_since(level)
    level.save()
    return found


def is_met(level: ServiceLevel, value: Decimal) -> bool:
    """Whether a value keeps the promise; exactly the target does."""
    return value >= level.target if level.comparison == Comparison.AT_LEAST else value <= level.target


def _breached_since(level: ServiceLevel) -> datetime | None:
    """When the present run of values below the promise began; reports may arrive in any order."""
    rows = level.measurements.order_by("-at", "-id")
    latest = rows.first()
    if latest is None or latest.met:
        return None
    last_good = rows.filter(met=True).first()
    bad = level.measurements.filter(met=False)
    if last_good:
        bad = bad.filter(at__gt=last_good.at)
    first = bad.order_by("at").first()
    return first.at if first else latest.at
