"""Importing services and deliverables: a dry run or the whole file, and the same file twice changes nothing."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from trains.models import ImportRun, Service, Team, Train
from trains.rules.readers.row_error import RowError
from trains.rules.service_rows import ServiceRow, read_services

_SHOWN_ERRORS = 200
_KEPT_WHEN_EMPTY = ("tier", "regulated", "repository", "description")


@dataclass(frozen=True)
class _Plan:
    created: list[Service]
    updated: list[Service]
    unchanged: int


@action(
    "service.import_csv", creates=Service, requires="imports.run", within="train", label="Import services"
)
def import_services(
    actor: Actor,
    *,
    file: Annotated[
        Upload,
        Field(
            "File",
            help="CSV with the columns name, train, team, tier, regulated, repository, description; or JSON.",
        ),
    ],
    train: Annotated[Train | None, Field("Train", help="For rows that name none.")] = None,
    dry_run: Annotated[bool, Field("Dry run", help="Only say what would change.")] = False,
) -> ImportRun:
    """Import services from a file: all rows or none. Rows of known services update them; a dry run changes nothing."""
    started = now()
    rows = _read(file)
    plan = _plan(actor, rows, file.name, train)
    if not dry_run:
        bulk_create_tracked(plan.created)
        bulk_update_tracked(plan.updated, ["train", "team", *_KEPT_WHEN_EMPTY])
    return ImportRun.objects.create(
        kind="services, dry run" if dry_run else "services",
        source_name=file.name[:200],
        digest="sha256:" + hashlib.sha256(file.content).hexdigest(),
        rows=len(rows),
        created=len(plan.created),
        updated=len(plan.updated),
        unchanged=plan.unchanged,
        started_at=started,
        finished_at=now(),
    )


def _read(file: Upload) -> list[tuple[str, ServiceRow]]:
    errors: list[RowError] = []
    rows = list(read_services(io.BytesIO(file.content), file.name, errors.append))
    twice = [name for name, count in Counter(row.name for _, row in rows).items() if count > 1]
    errors += [RowError(file.name, None, "name", f"{name} is in the file more than once.") for name in twice]
    if not rows and not errors:
        errors.append(RowError(file.name, None, "", "The file holds no services."))
    _refuse(errors)
    return rows


def _refuse(errors: Iterable[RowError]) -> None:
    found = [
        Refusal("import.row", str(e), "Correct the file; nothing was imported.", field="file", status=422)
        for e in errors
    ]
    if found:
        raise Refused(*found[:_SHOWN_ERRORS])


def _plan(actor: Actor, rows: list[tuple[str, ServiceRow]], file: str, default: Train | None) -> _Plan:
    trains = {t.key: t for t in Train.objects.all()}
    teams = {t.code: t for t in Team.objects.select_related("train")}
    known = {s.name: s for s in Service.objects.select_for_update(no_key=True).order_by("pk")}
    errors: list[RowError] = []
    plan = _Plan([], [], 0)
    unchanged = 0
    for place, row in rows:
        train, team = trains.get(row.train) if row.train else None, teams.get(row.team) if row.team else None
        fault = _fault(actor, row, train, team)
        if fault:
            errors.append(RowError(file, None, *((f"{place} {row.name}, {fault[0]}", fault[1]))))
            continue
        service = known.get(row.name)
        if service is None:
            service = Service(name=row.name, train=default)
            _apply(service, row, train, team)
            plan.created.append(service)
        elif _apply(service, row, train, team):
            plan.updated.append(service)
        else:
            unchanged += 1
    _refuse(errors)
    return _Plan(plan.created, plan.updated, unchanged)


def _fault(actor: Actor, row: ServiceRow, train: Train | None, team: Team | None) -> tuple[str, str] | None:
    if row.train and train is None:
        return "train", f"There is no train {row.train}."
    if row.team and team is None:
        return "team", f"There is no team {row.team}."
    if team and train and team.train_id != train.pk:
        return "team", f"{row.team} is not a team of {row.train}."
    if train and not actor.may("imports.run", train):
        return "train", f"You may not import into {row.train}."
    return None


def _apply(service: Service, row: ServiceRow, train: Train | None, team: Team | None) -> bool:
    """Put the row into the service; true when it changed."""
    wanted: dict[str, Any] = {name: getattr(row, name) for name in _KEPT_WHEN_EMPTY}
    wanted["team"] = team
    wanted["train"] = train or (team.train if team else None)
    changed = False
    for name, value in wanted.items():
        if value not in (None, "") and getattr(service, name) != value:
            setattr(service, name, value)
            changed = True
    if service.team and service.team.train_id != service.train_id:
        service.team = None
        changed = True
    return changed
