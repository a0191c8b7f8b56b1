"""Verbs of time series: posting points as JSON or as an exposition, and how long they are kept."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, Series, SeriesBlock, SeriesKind, SeriesPolicy, Service
from trains.queries.series import policies, policy_of
from trains.rules.canary_config import SERIES_NAME
from trains.rules.exposition import ExpositionError, samples
from trains.rules.series import COARSE, FINE, RAW, STRETCHES

from .series_store import About, Identity, store

MOST_ROWS = 2_000
MOST_POINTS = 50_000
_FIELDS = {"name", "service", "environment", "labels", "kind", "unit", "description", "points", "value", "at"}
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,59}")


OfService = Annotated[
    Service | None, Field("Service", help="Empty: as each row says, or the organization's.")
]
InEnvironment = Annotated[Environment | None, Field("Environment", help="Empty: as each row says, or none.")]


@action(
    "series.post",
    creates=Series,
    requires="results.post",
    within="service",
    label="Post values",
    quiet=("series",),
)
def post_values(
    actor: Actor,
    *,
    series: Annotated[
        list,
        Field(
            "Series",
            help='A list of {"name", "service", "environment", "labels", "kind", "unit", "points": [[moment, value], …]}; '
            'or "value" (and "at") instead of points. Moments in ISO 8601 or in seconds since 1970.',
        ),
    ],
    service: OfService = None,
    environment: InEnvironment = None,
) -> dict[str, int]:
    """Post values of series as JSON: all or none. The same point again changes nothing; another value corrects it."""
    if not series or len(series) > MOST_ROWS:
        _refuse("series.rows", f"Give between 1 and {MOST_ROWS} series.")
    rows = [_row(number, each) for number, each in enumerate(series, 1)]
    if sum(len(row["points"]) for row in rows) > MOST_POINTS:
        _refuse("series.points", f"Give at most {MOST_POINTS} points at once.")
    services = {s.name: s for s in Service.objects.filter(name__in={row["service"] for row in rows})}
    places = {e.name: e for e in Environment.objects.filter(name__in={row["environment"] for row in rows})}
    batch: dict[Identity, tuple[About, list[tuple[datetime, float]]]] = {}
    for number, row in enumerate(rows, 1):
        of = _named(services, row["service"], number, "service") or service
        where = _named(places, row["environment"], number, "environment") or environment
        _may(actor, of)
        identity = Identity(
            of.pk if of else None,
            where.pk if where else None,
            row["name"],
            tuple(sorted(row["labels"].items())),
        )
        about = About(row["kind"], row["unit"], row["description"])
        batch.setdefault(identity, (about, []))[1].extend(row["points"])
    return store(batch).as_json()


@action(
    "series.push",
    creates=Series,
    requires="results.post",
    within="service",
    label="Push an exposition",
    quiet=("text",),
)
def push_exposition(
    actor: Actor,
    *,
    text: Annotated[
        str,
        Field("Exposition", help="OpenMetrics or Prometheus text format.", long=True, max_length=5_000_000),
    ],
    service: OfService = None,
    environment: InEnvironment = None,
    labels: Annotated[
        dict | None, Field("Labels", help="Added to every sample, as a push gateway does.")
    ] = None,
) -> dict[str, int]:
    """Post what a process exposes. Samples without a moment hold now; values that are no numbers are left out."""
    _may(actor, service)
    added = _labels(0, labels or {}, "labels")
    at = now()
    batch: dict[Identity, tuple[About, list[tuple[datetime, float]]]] = {}
    try:
        for sample in samples(text):
            mixed = {**sample.labels, **added}
            _check_name(0, sample.name, "text")
            identity = Identity(
                service.pk if service else None,
                environment.pk if environment else None,
                sample.name,
                tuple(sorted(_labels(0, mixed, "text").items())),
            )
            kind = (
                SeriesKind.COUNTER if sample.counter or sample.name.endswith("_total") else SeriesKind.GAUGE
            )
            about = About(kind, sample.unit[:30], sample.help)
            batch.setdefault(identity, (about, []))[1].append((sample.at or at, sample.value))
    except ExpositionError as error:
        refuse("series.exposition", str(error), field="text", status=422)
    if not batch:
        refuse("series.exposition", "There is no sample in it.", field="text", status=422)
    if len(batch) > MOST_ROWS or sum(len(points) for _, points in batch.values()) > MOST_POINTS:
        refuse(
            "series.rows",
            f"Push at most {MOST_ROWS} series and {MOST_POINTS} points at once.",
            field="text",
            status=422,
        )
    return store(batch, field="text").as_json()


@action("series_policy.set", creates=SeriesPolicy, requires="metrics.manage", label="Set how long")
def set_policy(
    actor: Actor,
    *,
    beginning: Annotated[
        str, Field("Names beginning with", help="Empty: all that no other policy names.", max_length=200)
    ] = "",
    raw_days: Annotated[int, Field("Days as posted", min=1, max=400)] = 14,
    fine_days: Annotated[int, Field("Days by five minutes", min=1, max=1_500)] = 90,
    coarse_days: Annotated[int, Field("Days by the hour", min=1, max=4_000)] = 750,
) -> SeriesPolicy:
    """Set how long the points of series are kept. What is older goes with the next round, for good."""
    if beginning and not SERIES_NAME.fullmatch(beginning):
        refuse("series.name", "Names have letters, digits, _ and : only.", field="beginning", status=422)
    if not raw_days <= fine_days <= coarse_days:
        refuse(
            "series_policy.order",
            "Coarser points are kept at least as long as finer ones.",
            remedy="Give days that do not fall.",
            field="fine_days" if raw_days > fine_days else "coarse_days",
            status=422,
        )
    policy = SeriesPolicy.objects.select_for_update().filter(beginning=beginning).first() or SeriesPolicy(
        beginning=beginning
    )
    policy.raw_days, policy.fine_days, policy.coarse_days = raw_days, fine_days, coarse_days
    policy.save()
    return policy


@action("series.clear", creates=Series, requires="metrics.manage", hidden=True, label="Clear out")
def clear_out(actor: Actor) -> dict[str, int]:
    """Remove the points that no policy keeps any longer, and series that have none left."""
    blocks = sum(rows.delete()[0] for rows in _outlived())
    empty = Series.objects.filter(blocks__isnull=True, last_at__isnull=False)
    return {"blocks": blocks, "series": empty.delete()[0]}


def something_outlived() -> bool:
    """Is there anything to clear out? Asked each round, so that a round without work leaves no trace."""
    return any(rows.exists() for rows in _outlived())


def _outlived() -> list[Any]:
    """The blocks that may go, a queryset for each policy and step. A block goes when its last moment is too old."""
    keeping = policies()
    names: dict[str, list[str]] = defaultdict(list)
    for name in Series.objects.values_list("name", flat=True).distinct():
        names[policy_of(name, keeping).beginning].append(name)
    found = []
    for policy in keeping:
        for step, days in ((RAW, policy.raw_days), (FINE, policy.fine_days), (COARSE, policy.coarse_days)):
            before = now() - timedelta(days=days) - STRETCHES[step]
            if names[policy.beginning]:
                found.append(
                    SeriesBlock.objects.filter(
                        step=step, starts_at__lt=before, series__name__in=names[policy.beginning]
                    )
                )
    return found


def _may(actor: Actor, service: Service | None) -> None:
    if not actor.may("results.post", service):
        refuse(
            "permission.missing",
            f"You need the permission results.post on {service or 'the organization'}.",
            remedy="Name a service that you may post for.",
            status=403,
        )


def _row(number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        _refuse("series.row", f"Row {number} is no object.")
    unknown = sorted(str(key) for key in set(row) - _FIELDS)
    if unknown:
        _refuse("series.row", f"Row {number}: there is no field {unknown[0][:40]}.")
    texts = {key: row.get(key) or "" for key in ("service", "environment", "unit", "description", "kind")}
    if any(not isinstance(value, str) or "\x00" in value or len(value) > 300 for value in texts.values()):
        _refuse(
            "series.row", f"Row {number}: service, environment, kind, unit and description are short texts."
        )
    _check_name(number, row.get("name"))
    kind = texts["kind"] or (SeriesKind.COUNTER if row["name"].endswith("_total") else SeriesKind.GAUGE)
    if kind not in SeriesKind.values:
        _refuse("series.row", f"Row {number}: kind is gauge or counter.")
    return {
        **texts,
        "name": row["name"],
        "kind": kind,
        "unit": texts["unit"][:30],
        "labels": _labels(number, row.get("labels") or {}),
        "points": _points(number, row),
    }


def _points(number: int, row: dict[str, Any]) -> list[tuple[datetime, float]]:
    given = row.get("points")
    if given is None and "value" in row:
        given = [[row["at"] if row.get("at") is not None else now().isoformat(), row["value"]]]
    if not isinstance(given, list) or not given:
        _refuse("series.points", f"Row {number}: points is a list of [moment, value].")
    found = []
    for point in given:
        if not isinstance(point, list) or len(point) != 2:
            _refuse("series.points", f"Row {number}: each point is [moment, value].")
        value = point[1]
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            _refuse("series.points", f"Row {number}: a value is a number.")
        if not math.isfinite(value):
            _refuse("series.points", f"Row {number}: a value is a finite number.")
        found.append((_moment(number, point[0]), float(value)))
    return found


def _moment(number: int, given: Any) -> datetime:
    try:
        if isinstance(given, str):
            moment = datetime.fromisoformat(given)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    _refuse("series.moment", f"Row {number}: {str(given)[:40]} is no moment with a time zone.")


def _check_name(number: int, name: Any, field: str = "series") -> None:
    if not isinstance(name, str) or not SERIES_NAME.fullmatch(name):
        where = f"Row {number}: a" if number else "A"
        _refuse(
            "series.name",
            f"{where} name has letters, digits, _ and : only, such as http_errors_total.",
            field,
        )


def _labels(number: int, given: Any, field: str = "series") -> dict[str, str]:
    where = f"Row {number}: labels" if number else "Labels"
    if not isinstance(given, dict) or len(given) > 20:
        _refuse("series.labels", f"{where} are an object of at most 20 texts.", field)
    for key, value in given.items():
        if not isinstance(key, str) or not _LABEL.fullmatch(key):
            _refuse("series.labels", f"{where} have names of letters, digits and _.", field)
        if not isinstance(value, str) or len(value) > 100 or "\x00" in value:
            _refuse("series.labels", f"{where} have texts of at most 100 characters.", field)
    return dict(given)


def _named(rows: dict[str, Any], name: str, number: int, what: str) -> Any:
    if name and name not in rows:
        _refuse(f"series.{what}", f"Row {number}: there is no {what} {name[:80]}.")
    return rows.get(name)


def _refuse(code: str, sentence: str, field: str = "series") -> NoReturn:
    refuse(code, sentence, field=field, status=422)
