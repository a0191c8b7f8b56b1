"""Incidents in the form of a public status page's history (JSON Lines)."""

from __future__ import annotations

from typing import Annotated

from problems.actions.incident_batch import IncidentRow, record_many
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from trains.actions.services import ensure_services
from trains.models import ImportRun, Train
from trains.rules.readers import github_incidents

from .gathering import Counts, Faults, put_on_record, stream

SEVERITY = {"critical": 1, "major": 2, "minor": 3, "maintenance": 4, "none": 4}
UNNAMED = "whole platform"


@action(
    "import_run.status_page",
    creates=ImportRun,
    requires="imports.run",
    within="train",
    label="Import a status page",
)
def import_status_page(
    actor: Actor,
    *,
    incidents: Annotated[
        Upload,
        Field(
            "Incidents",
            help="JSON Lines, plain or gzip: id, title, impact, components, started_at, resolved_at, updates.",
        ),
    ],
    train: Annotated[Train | None, Field("Train", help="Components that are not known yet join it.")] = None,
    source: Annotated[str, Field("Name of the status page", max_length=80)] = "status-page",
) -> ImportRun:
    """Import the incidents of a status page: all rows or none."""
    started = now()
    faults = Faults()
    rows = list(github_incidents.read_incidents(stream(incidents), faults))
    faults.refuse()
    ensure_services(actor, [c for row in rows for c in (row.components or (UNNAMED,))], train=train)
    counts = Counts()
    counts.add(record_many(actor, [_incident(row, source) for row in rows], source_name=incidents.name))
    return put_on_record("status page", [incidents], counts, started)


def _incident(row: github_incidents.IncidentRow, source: str) -> IncidentRow:
    """A page tells when people were told; that is the detection on record."""
    return IncidentRow(
        title=row.title[:200],
        services=row.components or (UNNAMED,),
        detected_at=row.started_at,
        resolved_at=row.resolved_at,
        severity=SEVERITY.get(row.impact, 3),
        source=source,
        external_id=row.id,
        fingerprint=_kind(row),
    )


def _kind(row: github_incidents.IncidentRow) -> str:
    """What a status page says of the kind of an incident: which components it struck. Maintenance is no kind."""
    return "" if row.impact == "maintenance" else "+".join(sorted(row.components or (UNNAMED,)))[:120]
