"""Runs of pipeline stages: reported one by one or many at once, each only once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from governance.gates import invalidate
from metrics.models import StageRun
from releasetrain.audit import ledger
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from releasetrain.tenancy.bulk import insert_many
from trains.actions.permission import require_permission
from trains.models import Service, Team

explain_constraint("stage_run_once", "This attempt was recorded before.")
MOST = 5_000
_SHOWN_ERRORS = 50
# A clock that runs ahead a little is no reason to lose a report.
_TOLERANCE = timedelta(minutes=5)
_Outcome = StageRun.Outcome


@dataclass(frozen=True, slots=True)
class StageRunRow:
    """One attempt of a stage, services and teams by name and code."""

    service: str
    stage: str
    run: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    pipeline: str = "delivery"
    attempt: int = 1
    commit: str = ""
    cause: str = ""
    detail: str = ""
    team: str = ""
    source: str = ""
    url: str = ""


@dataclass(frozen=True)
class StageRunResult:
    """What came of a batch, and the digest over its rows that the ledger holds."""

    rows: int
    created: int
    unchanged: int
    digest: str


_COLUMNS = tuple(f.name for f in fields(StageRunRow))
_LONGEST = {"stage": 80, "run": 120, "pipeline": 120, "commit": 64, "detail": 300, "source": 80, "url": 500}


@action(
    "stage_run.record",
    creates=StageRun,
    requires="deployments.record",
    within="service",
    label="Record a stage run",
)
def record_stage_run(
    actor: Actor,
    *,
    service: Annotated[Service, Field("Service")],
    stage: Annotated[str, Field("Stage", help="E.g. build, test, deploy to staging.", max_length=80)],
    run: Annotated[str, Field("Run", help="The pipeline's own id of the run.", max_length=120)],
    outcome: Annotated[StageRun.Outcome, Field("How it ended")],
    started_at: Annotated[datetime, Field("Started")],
    finished_at: Annotated[datetime | None, Field("Finished", help="Empty: now.")] = None,
    cause: Annotated[StageRun.Cause | None, Field("Why it failed", help="For failed runs only.")] = None,
    detail: Annotated[str, Field("In words", max_length=300)] = "",
    attempt: Annotated[int, Field("Attempt", min=1, max=1000)] = 1,
    commit: Annotated[str, Field("Commit", help="Tells flaky failures from real ones.", max_length=64)] = "",
    team: Annotated[Team | None, Field("Source team", help="Empty: the service's team.")] = None,
    pipeline: Annotated[str, Field("Pipeline", max_length=120)] = "delivery",
    source: Annotated[str, Field("Reporting system", max_length=80)] = "",
    url: Annotated[str, Field("Address", max_length=500)] = "",
) -> StageRun:
    """Record how one attempt of a pipeline stage ended. The same attempt again changes nothing."""
    row = StageRunRow(
        service.name, stage.strip(), run.strip(), outcome.value, started_at, finished_at or now(),
        pipeline.strip() or "delivery", attempt, commit.strip(), cause.value if cause else "", detail.strip(),
        team.code if team else "", source.strip(), url.strip(),
    )  # fmt: skip
    faults = _faults(row, "")
    if faults:
        raise Refused(*faults)
    made = _made(row, service, team)
    known = StageRun.objects.filter(**_identity(made)).first()
    if known is not None:
        return known
    made.save()
    return made


@action(
    "stage_run.record_many",
    creates=StageRun,
    requires="deployments.record",
    hidden=True,
    label="Record stage runs",
)
def record_stage_runs(
    actor: Actor,
    *,
    runs: Annotated[
        list,
        Field(
            "Runs",
            help="Objects with service, stage, run, outcome, started_at, finished_at; also pipeline, attempt, commit, cause,"
            " detail, team (code), source, url.",
        ),
    ],
) -> dict[str, Any]:
    """Record many attempts of pipeline stages at once: all or none, each only once."""
    if not 1 <= len(runs) <= MOST:
        refuse("stage_run.size", f"Send 1 to {MOST} runs, not {len(runs)}.", field="runs", status=422)
    return vars(record_many(actor, [_read(row, place) for place, row in enumerate(runs)]))


def record_many(actor: Actor, rows: Iterable[StageRunRow], *, source_name: str = "") -> StageRunResult:
    """The same for importers and webhooks; one ledger entry with a digest over the rows."""
    require_permission(actor, "deployments.record")
    listed = list(rows)
    with transaction.atomic():
        services = {s.name: s for s in Service.objects.filter(name__in={r.service for r in listed})}
        teams = {t.code: t for t in Team.objects.filter(code__in={r.team for r in listed if r.team})}
        faults: list[Refusal] = []
        for place, row in enumerate(listed):
            faults += _faults(row, f"runs/{place}/")
            for field, name, there in (("service", row.service, services), ("team", row.team, teams)):
                if name and name not in there:
                    faults.append(_fault(f"runs/{place}/{field}", f"There is no {field} {name[:80]}."))
        if faults:
            raise Refused(*faults[:_SHOWN_ERRORS])
        made = {
            tuple(_identity(each).values()): each
            for each in (_made(r, services[r.service], teams.get(r.team)) for r in listed)
        }
        known = _known(made.values())
        fresh = [each for key, each in made.items() if key not in known]
        insert_many(fresh, ignore_conflicts=True)
        for service in {each.service_id for each in fresh}:
            invalidate(service=service)
        result = StageRunResult(
            len(listed),
            len(fresh),
            len(listed) - len(fresh),
            digest([[getattr(r, n) for n in _COLUMNS] for r in listed]),
        )
        ledger.append(actor, "stage_run.record_many", None, {"source": source_name, **vars(result)})
    return result


def _made(row: StageRunRow, service: Service, team: Team | None) -> StageRun:
    return StageRun(
        service_id=service.pk,
        team_id=team.pk if team else service.team_id,
        **{name: getattr(row, name) for name in _COLUMNS if name not in ("service", "team")},
    )


def _identity(each: StageRun) -> dict[str, Any]:
    names = ("service_id", "pipeline", "stage", "run", "attempt", "source")
    return {name: getattr(each, name) for name in names}


def _known(made: Iterable[StageRun]) -> set[tuple[Any, ...]]:
    listed = list(made)
    rows = StageRun.objects.filter(
        service__in={e.service_id for e in listed}, run__in={e.run for e in listed}
    ).values_list("service_id", "pipeline", "stage", "run", "attempt", "source")
    return set(rows)


def _fault(field: str, sentence: str) -> Refusal:
    return Refusal(
        "stage_run.row", sentence, remedy="Correct it; nothing was recorded.", field=field, status=422
    )


def _faults(row: StageRunRow, at: str) -> list[Refusal]:
    found = []
    for name in ("service", "stage", "run"):
        if not getattr(row, name):
            found.append(_fault(f"{at}{name}", f"A run names its {name}."))
    for name, most in _LONGEST.items():
        if len(getattr(row, name)) > most:
            found.append(_fault(f"{at}{name}", f"The {name} has at most {most} characters."))
    if row.outcome not in _Outcome.values:
        found.append(_fault(f"{at}outcome", f"The outcome is one of {', '.join(_Outcome.values)}."))
    if row.cause and row.cause not in StageRun.Cause.values:
        found.append(_fault(f"{at}cause", f"The cause is one of {', '.join(StageRun.Cause.values)}."))
    elif row.cause and row.outcome != _Outcome.FAILED:
        found.append(_fault(f"{at}cause", "Only a failed run has a cause of its failure."))
    if row.finished_at < row.started_at:
        found.append(_fault(f"{at}finished_at", "It finished before it started."))
    elif row.finished_at > now() + _TOLERANCE:
        found.append(_fault(f"{at}finished_at", "It has not finished yet."))
    if not 1 <= row.attempt <= 1000:
        found.append(_fault(f"{at}attempt", "Attempts are counted from 1 to 1000."))
    return found


def _read(given: Any, place: int) -> StageRunRow:
    at = f"runs/{place}"
    if not isinstance(given, Mapping):
        raise Refused(_fault(at, f"Run {place + 1} is no object."))
    unknown = sorted(set(map(str, given)) - set(_COLUMNS))
    if unknown:
        raise Refused(_fault(f"{at}/{unknown[0][:40]}", f"A run has no property {unknown[0][:40]}."))
    attempt = given.get("attempt", 1)
    if isinstance(attempt, bool) or not isinstance(attempt, int):
        raise Refused(_fault(f"{at}/attempt", "The attempt is a whole number."))
    moments: dict[str, Any] = {
        name: _moment(given.get(name), f"{at}/{name}") for name in ("started_at", "finished_at")
    }
    texts: dict[str, Any] = {}
    for name in _COLUMNS:
        if name in moments or name == "attempt":
            continue
        value = given.get(name, "")
        if value is not None and not isinstance(value, str):
            raise Refused(_fault(f"{at}/{name}", f"The {name} is text."))
        if "\x00" in (value or ""):
            raise Refused(_fault(f"{at}/{name}", f"The {name} holds a character that cannot be kept."))
        texts[name] = (value or "").strip()
    texts["pipeline"] = texts["pipeline"] or "delivery"
    return StageRunRow(attempt=attempt, **moments, **texts)


def _moment(value: Any, field: str) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else parse_datetime(str(value or ""))
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise Refused(_fault(field, f"{str(value)[:40]!r} is no RFC 3339 time with its offset."))
    return moment
