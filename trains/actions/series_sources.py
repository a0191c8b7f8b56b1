"""Verbs of questions to Prometheus servers, and taking in their answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.db import transaction

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import Refused, refuse
from trains.models import Environment, SecretReference, Series, SeriesKind, SeriesSource, Service
from trains.rules.canary_config import SERIES_NAME
from trains.rules.prometheus import Pulled

from .series_store import About, Identity, store

MOST_SOURCES = 200
Address = Annotated[
    str,
    Field("Address", help="Of the Prometheus server, e.g. https://prometheus.example:9090.", max_length=200),
]
Expression = Annotated[str, Field("Query", help="In PromQL.", long=True, max_length=2000)]
Step = Annotated[int, Field("Seconds between points", min=5, max=3600)]
Unit = Annotated[str, Field("Unit", max_length=30)]
Login = Annotated[
    str,
    Field(
        "User name",
        help="Basic authentication with the secret as password. Empty: it is a bearer token.",
        max_length=120,
    ),
]


def _usable(actor: Actor, subject: Any) -> Any:
    """Secrets that the person is named for."""
    own = get_user_model().objects.filter(pk=actor.user_id).values_list("email", flat=True).first()
    rows = SecretReference.objects.filter(retired_at__isnull=True)
    return rows.filter(users__contains=[str(own).lower()]) if own else rows.none()


Secret = Annotated[
    SecretReference | None,
    Field(
        "Secret",
        help="Where its password or token lies in Vault; you have to be named among those who may use it.",
        rows=_usable,
    ),
]


@action(
    "series_source.create",
    creates=SeriesSource,
    requires="metrics.manage",
    within="service",
    label="Ask a Prometheus server",
)
def create_source(
    actor: Actor,
    *,
    name: Annotated[str, Field("Series", help="What the answers are stored as.", max_length=200)],
    address: Address,
    expression: Expression,
    service: Annotated[Service | None, Field("Service", help="Empty: of the organization.")] = None,
    environment: Annotated[Environment | None, Field("Environment")] = None,
    kind: Annotated[SeriesKind, Field("Kind")] = SeriesKind.GAUGE,
    unit: Unit = "",
    step_seconds: Step = 60,
    secret: Secret = None,
    login: Login = "",
) -> SeriesSource:
    """Ask a Prometheus server the same question every minute and keep its answers as series."""
    source = SeriesSource(
        service=service,
        environment=environment,
        name=name.strip(),
        address=address.strip(),
        expression=expression.strip(),
        kind=kind,
        unit=unit.strip(),
        step_seconds=step_seconds,
        secret=secret,
        login=login.strip(),
    )
    _check(actor, source)
    if SeriesSource.objects.count() >= MOST_SOURCES:
        refuse("series_source.many", f"There are {MOST_SOURCES} sources; that many may be.", status=422)
    same = SeriesSource.objects.filter(
        name=source.name,
        address=source.address,
        expression=source.expression,
        service=service,
        environment=environment,
    )
    if same.exists():
        refuse("series_source.twice", "This is asked already.", field="expression")
    source.save()
    return source


@action("series_source.edit", on=SeriesSource, requires="metrics.manage", label="Edit")
def edit_source(
    actor: Actor,
    source: SeriesSource,
    *,
    address: Address = KEEP,
    expression: Expression = KEEP,
    unit: Unit = KEEP,
    step_seconds: Step = KEEP,
    secret: Secret = KEEP,
    login: Login = KEEP,
) -> SeriesSource:
    """Change the question, or how it signs in. What was answered stays."""
    for field, value in (
        ("address", address),
        ("expression", expression),
        ("unit", unit),
        ("step_seconds", step_seconds),
        ("secret", secret),
        ("login", login),
    ):
        if value is not KEEP:
            setattr(source, field, value.strip() if isinstance(value, str) else value)
    _check(actor, source)
    source.last_error = ""
    source.save()
    return source


@action("series_source.pause", on=SeriesSource, requires="metrics.manage", label="Pause")
def pause_source(actor: Actor, source: SeriesSource) -> SeriesSource:
    """Ask no more until it is resumed."""
    if not source.enabled:
        refuse("series_source.paused", "It is paused already.", remedy="Resume it to ask again.")
    source.enabled = False
    source.save()
    return source


@action("series_source.resume", on=SeriesSource, requires="metrics.manage", label="Resume")
def resume_source(actor: Actor, source: SeriesSource) -> SeriesSource:
    """Ask again. What the server still holds of the time between is asked for, too."""
    if source.enabled:
        refuse("series_source.running", "It is asked already.", remedy="Pause it to stop.")
    source.enabled = True
    source.save()
    return source


@action("series.take_in", creates=Series, requires="metrics.manage", hidden=True, quiet=("answers",))
def take_in(
    actor: Actor,
    *,
    answers: Annotated[list, Field("Answers", help="Of sources: their series, or what went wrong.")],
) -> dict[str, int]:
    """Take in what Prometheus servers answered. Only the platform does this, after it has asked."""
    if actor.kind != "system":
        refuse(
            "series.pulled",
            "Answers are taken in from the servers themselves.",
            remedy="Post values instead.",
            status=403,
        )
    sources = {
        str(row.pk): row for row in SeriesSource.objects.filter(pk__in=[each["source"] for each in answers])
    }
    counts = {"sources": 0, "points": 0, "new": 0, "errors": 0}
    for each in answers:
        source, error = sources.get(each["source"]), str(each["error"])
        if source is None:
            continue
        if not error:
            try:
                with transaction.atomic():
                    taken = take(source, [_pulled(row) for row in each["series"]])
                counts["points"] += taken["points"]
                counts["new"] += taken["new"]
            except Refused as refused:
                error = refused.refusals[0].sentence
        note_error(source, error)
        counts["sources"] += 1
        counts["errors"] += bool(error)
    return counts


def _pulled(row: dict[str, Any]) -> Pulled:
    points = [(datetime.fromtimestamp(at, UTC), float(value)) for at, value in row["points"]]
    return Pulled(dict(row["labels"]), points)


def take(source: SeriesSource, pulled: list[Pulled]) -> dict[str, int]:
    """Put an answer into series of the source's service."""
    batch: dict[Identity, tuple[About, list[tuple[datetime, float]]]] = {}
    latest = now()
    for each in pulled:
        points = [point for point in each.points if point[0] <= latest]
        if points:
            labels = tuple(sorted(each.labels.items()))
            identity = Identity(source.service_id, source.environment_id, source.name, labels)
            batch[identity] = (About(source.kind, source.unit, source.expression[:300]), points)
    return store(batch, source).as_json() if batch else {"series": 0, "points": 0, "new": 0, "known": 0}


def pulled_until(sources: list[SeriesSource]) -> dict[SeriesSource, datetime | None]:
    """The last point that each source has, in one query."""
    last: dict[object, datetime] = {}
    for source_id, at in Series.objects.filter(source__in=sources).values_list("source_id", "last_at"):
        if at and (source_id not in last or at > last[source_id]):
            last[source_id] = at
    return {source: last.get(source.pk) for source in sources}


def note_error(source: SeriesSource, error: str) -> None:
    """Keep what went wrong, or that nothing did; only a change is written."""
    if source.last_error != error[:300]:
        source.last_error = error[:300]
        source.save()


def _check(actor: Actor, source: SeriesSource) -> None:
    if not SERIES_NAME.fullmatch(source.name):
        refuse("series.name", "A name has letters, digits, _ and : only.", field="name")
    try:
        parts = urlsplit(source.address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or re.search(r"[\s\x00-\x1f]", source.address) or parts.query or parts.fragment:
        refuse(
            "series_source.address",
            "An address is https:// with a host, and a port if need be.",
            field="address",
        )
    if parts.username or parts.password:
        refuse("series_source.address", "An address carries no user name or password.", field="address")
    if not source.expression:
        refuse("series_source.expression", "Say what is asked, in PromQL.", field="expression")
    if source.login and source.secret is None:
        refuse("series_source.login", "A user name goes with the secret that is its password.", field="login")
    if ":" in source.login or not source.login.isprintable() or not source.login.isascii():
        refuse("series_source.login", "A user name has plain letters and no colon.", field="login")
    # Whoever may point a secret at an address may learn it: only those who are named for it.
    if source.secret is not None and not _usable(actor, None).filter(pk=source.secret.pk).exists():
        refuse(
            "series_source.secret",
            "You are not named among those who may use this secret.",
            remedy="Ask whoever keeps the reference to name you.",
            field="secret",
            status=403,
        )
    source.secret_by_id = actor.user_id if source.secret is not None else None
