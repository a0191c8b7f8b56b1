"""Verbs of service level objectives."""

from __future__ import annotations

from typing import Annotated, Any

from metrics.models import Slo, SloKind
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Service
from trains.rules.canary_config import SERIES_NAME

Objective = Annotated[float, Field("Objective in per cent", min=50, max=99.999)]
Window = Annotated[int, Field("Window in days", min=1, max=90)]
AtMost = Annotated[float | None, Field("At most", help="Of slices: a value above it is bad.")]
AtLeast = Annotated[float | None, Field("At least", help="Of slices: a value below it is bad.")]


@action("slo.create", creates=Slo, requires="metrics.manage", within="service", label="Add an objective")
def create_slo(
    actor: Actor,
    *,
    service: Service,
    name: Annotated[str, Field("Name", help="Such as: Checkout answers.", max_length=120)],
    kind: Annotated[SloKind, Field("What is counted")],
    series: Annotated[
        str,
        Field("Series", help="Of the good or bad events, or of the values that are bounded.", max_length=200),
    ],
    objective: Objective,
    total_series: Annotated[str, Field("Series of all events", help="Not for slices.", max_length=200)] = "",
    labels: Annotated[dict | None, Field("Labels", help='Such as {"code": "500"}.')] = None,
    total_labels: Annotated[dict | None, Field("Labels of all events")] = None,
    at_most: AtMost = None,
    at_least: AtLeast = None,
    window_days: Window = 28,
    environment: Annotated[Environment | None, Field("Environment", help="Empty: in any.")] = None,
    owner: Annotated[User | None, Field("Owner")] = None,
) -> Slo:
    """Promise how large a share of a service's events, or of its minutes, is to be good."""
    slo = Slo(
        service=service,
        environment=environment,
        name=name.strip(),
        kind=kind,
        series=series.strip(),
        labels=labels or {},
        total_series=total_series.strip(),
        total_labels=total_labels or {},
        at_most=at_most,
        at_least=at_least,
        objective=objective,
        window_days=window_days,
        owner=owner,
    )
    _check(slo)
    if Slo.objects.filter(service=service, environment=environment, name=slo.name).exists():
        refuse("slo.name", f"{service} has an objective of this name.", field="name")
    slo.save()
    return slo


@action("slo.adjust", on=Slo, requires="metrics.manage", label="Adjust")
def adjust_slo(
    actor: Actor,
    slo: Slo,
    *,
    objective: Objective = KEEP,
    window_days: Window = KEEP,
    at_most: AtMost = KEEP,
    at_least: AtLeast = KEEP,
    owner: Annotated[User | None, Field("Owner")] = KEEP,
    reason: Annotated[str, Field("Reason", help="Such as the review whose finding asks for it.", long=True)],
) -> Slo:
    """Change what is promised, with the reason: a review's finding, usually. History keeps what it was."""
    _refuse_retired(slo)
    for name, value in (
        ("objective", objective),
        ("window_days", window_days),
        ("at_most", at_most),
        ("at_least", at_least),
        ("owner", owner),
    ):
        if value is not KEEP:
            setattr(slo, name, value)
    _check(slo)
    slo.save()
    return slo


@action("slo.retire", on=Slo, requires="metrics.manage", label="Retire", danger=True)
def retire_slo(actor: Actor, slo: Slo, *, reason: Annotated[str, Field("Reason", long=True)]) -> Slo:
    """Promise it no longer. Its history stays."""
    _refuse_retired(slo)
    slo.retired_at = now()
    slo.save()
    return slo


def _refuse_retired(slo: Slo) -> None:
    if slo.retired_at:
        refuse(
            "slo.retired",
            f"{slo} was retired on {slo.retired_at:%Y-%m-%d}.",
            remedy="Add a new objective.",
            blocked_by=Ref.of(slo),
        )


def _check(slo: Slo) -> None:
    if not slo.name:
        refuse("slo.name", "An objective has a name.", field="name")
    for field in ("series", "total_series"):
        value = getattr(slo, field)
        if (value or field == "series") and not SERIES_NAME.fullmatch(value):
            refuse("slo.series", "A series has a name such as http_requests_total.", field=field)
    for field in ("labels", "total_labels"):
        _check_labels(field, getattr(slo, field))
    if slo.kind == SloKind.SLICES:
        if slo.total_series:
            refuse("slo.indicator", "Slices are counted by themselves.", field="total_series")
        if slo.at_most is None and slo.at_least is None:
            refuse("slo.indicator", "Say what a good value is at most or at least.", field="at_most")
        if slo.at_most is not None and slo.at_least is not None and slo.at_least > slo.at_most:
            refuse("slo.indicator", "At least lies above at most: nothing could be good.", field="at_least")
        return
    if not slo.total_series:
        refuse("slo.indicator", "Say which series counts all events.", field="total_series")
    for field in ("at_most", "at_least"):
        if getattr(slo, field) is not None:
            refuse("slo.indicator", "Bounds belong to slices; events are good or bad already.", field=field)
    if (slo.series, slo.labels) == (slo.total_series, slo.total_labels):
        refuse(
            "slo.indicator", "Good or bad events and all events are the same series.", field="total_series"
        )


def _check_labels(field: str, labels: Any) -> None:
    if len(labels) > 20 or any(
        not isinstance(value, str) or len(key) > 60 or len(value) > 100 for key, value in labels.items()
    ):
        refuse("slo.labels", "Labels are at most 20 short texts.", field=field)
