"""Verbs of couplings: recorded one by one, or imported from a file, all rows or none."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from releasetrain.audit import ledger
from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action, register_guard
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Coupling, ImportRun, Service
from trains.rules.coupling_rows import CouplingRow, read_couplings
from trains.rules.readers.row_error import RowError

from .permission import require_permission

_SHOWN_ERRORS = 200
# Neither side leads: the pair is kept once, first by name.
_MUTUAL = (Coupling.Kind.SHARED_DATA, Coupling.Kind.CO_CHANGE)

Strength = Annotated[
    int,
    Field(
        "Strength",
        help="How many: endpoints called, tables shared, changes made together, contracts kept.",
        min=1,
        max=1_000_000,
    ),
]


def _ends(source: Service, target: Service, kind: str) -> tuple[Service, Service]:
    if kind in _MUTUAL and target.name < source.name:
        return target, source
    return source, target


@action("coupling.create", creates=Coupling, requires="trains.manage", within="source", label="Add coupling")
def create_coupling(
    actor: Actor,
    *,
    source: Annotated[Service, Field("Service")],
    target: Annotated[Service, Field("Service it depends on")],
    kind: Annotated[Coupling.Kind, Field("How")],
    strength: Strength = 1,
    note: Annotated[str, Field("Note", max_length=300)] = "",
) -> Coupling:
    """Record how one service is coupled to another."""
    if source.pk == target.pk:
        refuse("coupling.self", "A service is not coupled to itself.", field="target")
    source, target = _ends(source, target, kind)
    other = Coupling.objects.filter(source=source, target=target, kind=kind, ended_at__isnull=True).first()
    if other:
        refuse(
            "coupling.exists",
            f"{other} is recorded already.",
            remedy="Change its strength instead.",
            blocked_by=Ref.of(other),
            field="target",
        )
    return Coupling.objects.create(source=source, target=target, kind=kind, strength=strength, note=note)


@action("coupling.edit", on=Coupling, requires="trains.manage")
def edit_coupling(
    actor: Actor,
    coupling: Coupling,
    *,
    strength: Annotated[int | None, Field("Strength", min=1, max=1_000_000)] = None,
    note: Annotated[str | None, Field("Note", max_length=300)] = None,
) -> Coupling:
    """Change the strength or note of a coupling; what is left out stays."""
    coupling.strength = strength or coupling.strength
    coupling.note = coupling.note if note is None else note
    coupling.save()
    return coupling


@action(
    "coupling.end",
    on=Coupling,
    requires="trains.manage",
    danger=True,
    confirm="The coupling is left out of the analysis from now on.",
)
def end_coupling(
    actor: Actor, coupling: Coupling, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Coupling:
    """Say that two services are no longer coupled in this way."""
    coupling.ended_at = now()
    coupling.save()
    return coupling


def _standing(actor: Actor, coupling: Coupling, params: dict[str, Any]) -> Refusal | None:
    if coupling.ended_at:
        return Refusal("coupling.ended", f"{coupling} has ended.", remedy="Record a new one.")
    return None


register_guard("coupling.edit", _standing)
register_guard("coupling.end", _standing)


@dataclass(frozen=True)
class Recorded:
    """What a bulk record changed."""

    rows: int
    created: int
    updated: int


@action("coupling.import_csv", creates=Coupling, requires="imports.run", label="Import couplings")
def import_couplings(
    actor: Actor,
    *,
    file: Annotated[
        Upload, Field("File", help="CSV with the columns source, target, kind, strength and note.")
    ],
    dry_run: Annotated[bool, Field("Dry run", help="Only say what would change.")] = False,
) -> ImportRun:
    """Import couplings from a file: all rows or none. The same file twice changes nothing."""
    started = now()
    errors: list[RowError] = []
    rows = list(read_couplings(io.BytesIO(file.content), file.name, errors.append))
    if not rows and not errors:
        errors.append(RowError(file.name, None, "", "The file holds no couplings."))
    found = record_couplings(actor, rows, origin=file.name, errors=errors, dry_run=dry_run)
    return ImportRun.objects.create(
        kind="couplings, dry run" if dry_run else "couplings",
        source_name=file.name[:200],
        digest="sha256:" + hashlib.sha256(file.content).hexdigest(),
        rows=found.rows,
        created=found.created,
        updated=found.updated,
        unchanged=found.rows - found.created - found.updated,
        started_at=started,
        finished_at=now(),
    )


def record_couplings(
    actor: Actor,
    rows: Iterable[CouplingRow],
    *,
    origin: str,
    errors: list[RowError] | None = None,
    dry_run: bool = False,
) -> Recorded:
    """Couplings by the names of their services, added up by pair and kind; for importers. All or none."""
    listed = list(rows)
    faults = errors if errors is not None else []
    names = {name for row in listed for name in (row.source, row.target)}
    services = {s.name: s for s in Service.objects.filter(name__in=names)}
    for name in sorted(names - services.keys()):
        faults.append(RowError(origin, None, "service", f"There is no service {name}."))
    faults += [
        RowError(origin, None, row.source, "A service is not coupled to itself.")
        for row in listed
        if row.source == row.target
    ]
    if faults:
        raise Refused(
            *[
                Refusal(
                    "import.row", str(e), "Correct the file; nothing was imported.", field="file", status=422
                )
                for e in faults[:_SHOWN_ERRORS]
            ]
        )
    wanted: dict[tuple[str, str, str], list[CouplingRow]] = {}
    for row in listed:
        source, target = _ends(services[row.source], services[row.target], row.kind)
        wanted.setdefault((source.name, target.name, row.kind), []).append(row)
    known = {
        (c.source.name, c.target.name, c.kind): c
        for c in Coupling.objects.select_related("source", "target").filter(
            source__name__in=names, ended_at__isnull=True
        )
    }
    created, updated = [], []
    for (source_name, target_name, kind), same in wanted.items():
        strength = sum(row.strength for row in same)
        note = next((row.note for row in same if row.note), "")
        coupling = known.get((source_name, target_name, kind))
        if coupling is None:
            created.append(
                Coupling(
                    source=services[source_name],
                    target=services[target_name],
                    kind=kind,
                    strength=strength,
                    note=note,
                    origin=origin[:80],
                )
            )
        elif coupling.strength != strength or (note and coupling.note != note):
            coupling.strength, coupling.note, coupling.origin = strength, note or coupling.note, origin[:80]
            updated.append(coupling)
    if not dry_run and (created or updated):
        require_permission(actor, "imports.run")
        bulk_create_tracked(created)
        bulk_update_tracked(updated, ["strength", "note", "origin"])
        ledger.append(
            actor,
            "coupling.record",
            None,
            {"origin": origin, "created": len(created), "updated": len(updated)},
        )
    return Recorded(len(wanted), len(created), len(updated))
