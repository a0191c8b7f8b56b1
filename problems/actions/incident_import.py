"""Importing incidents from CSV: checked row by row, then all of it or nothing; the same file twice changes nothing."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any

from django.db import transaction

from problems.models import Category
from problems.queries.evidence import is_link
from problems.rules.incident_rows import IncidentLine, read_lines
from problems.rules.incident_times import NAMES, Times
from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from trains.models import ImportRun, Service
from trains.rules.readers.row_error import RowError

from .incident_batch import BatchResult, IncidentRow, record_many

SHOWN = 200
MOST = 20_000

File = Annotated[
    Upload,
    Field(
        "File",
        help="CSV with the columns id, title, services, detected_at; and as far as known severity, started_at,"
        " mitigated_at, resolved_at, category, fingerprint, impact, url, caused_by.",
    ),
]
Source = Annotated[
    str, Field("Reporting system", help="The same id of the same system is the same incident.", max_length=80)
]


@dataclass(frozen=True)
class Checked:
    """A file as it was read: usable rows with their line, and every fault with its place."""

    rows: tuple[IncidentRow, ...]
    faults: tuple[RowError, ...]


@action(
    "import_run.incidents",
    creates=ImportRun,
    requires="imports.run",
    label="Import incidents",
)
def import_incidents(
    actor: Actor,
    *,
    file: File,
    source: Source,
    dry_run: Annotated[bool, Field("Dry run", help="Only say what would change.")] = False,
) -> ImportRun:
    """Import incidents from a CSV file: all rows or none, with every fault and its line. A dry run changes nothing."""
    started = now()
    found = check(file, source)
    if not found.rows and not found.faults:
        raise Refused(
            Refusal("import.empty", "The file holds no incidents.", "Add rows.", field="file", status=422)
        )
    if found.faults:
        raise Refused(*[_refusal(fault) for fault in found.faults[:SHOWN]])
    done = _rehearsed(actor, found) if dry_run else record_many(actor, found.rows, source_name=file.name)
    return ImportRun.objects.create(
        kind="incidents, dry run" if dry_run else "incidents",
        source_name=file.name[:200],
        digest="sha256:" + hashlib.sha256(file.content).hexdigest(),
        rows=len(found.rows),
        created=done.created,
        updated=done.updated,
        unchanged=done.unchanged,
        started_at=started,
        finished_at=now(),
    )


def _refusal(fault: RowError) -> Refusal:
    place = f"rows/{fault.line or 0}/{fault.column}"
    return Refusal(
        "import.row", str(fault), "Correct the file; nothing was imported.", field=place, status=422
    )


class _Undo(Exception):
    """Takes a rehearsal back."""


def _rehearsed(actor: Actor, found: Checked) -> BatchResult:
    """What the import would do, found by doing it and taking it back."""
    done: BatchResult | None = None
    try:
        with transaction.atomic():
            done = record_many(actor, found.rows, source_name="dry run")
            raise _Undo
    except _Undo:
        assert done is not None
        return done


def check(file: Upload, source: str) -> Checked:
    """Read every row and say every fault; reads only."""
    faults: list[RowError] = []
    listed: list[IncidentLine] = []
    lines: list[int] = []
    stream = io.BytesIO(file.content)
    for line, row in _numbered(stream, file.name, faults):
        listed.append(row)
        lines.append(line)
        if len(listed) > MOST:
            faults.append(RowError(file.name, line, "", f"A file holds at most {MOST} incidents."))
            break
    known = set(
        Service.objects.filter(name__in={n for row in listed for n in row.services}).values_list(
            "name", flat=True
        )
    )
    rows: list[IncidentRow] = []
    seen: dict[str, int] = {}
    for line, row in zip(lines, listed, strict=True):
        wrong = _faults(row, known)
        if row.id in seen:
            wrong.append(("id", f"The id {row.id} stands in line {seen[row.id]} already."))
        seen.setdefault(row.id, line)
        faults += [RowError(file.name, line, column, sentence) for column, sentence in wrong]
        if not wrong:
            rows.append(_row(row, source))
    return Checked(tuple(rows), tuple(sorted(faults, key=lambda f: f.line or 0)))


def _numbered(stream: io.BytesIO, name: str, faults: list[RowError]) -> Any:
    """The usable rows with the number of their line: the reader counts lines of faults, we count those of rows."""
    content = stream.getvalue()
    numbers = _row_lines(content)
    bad: set[int] = set()

    def fault(error: RowError) -> None:
        if error.line:
            bad.add(error.line)
        faults.append(error)

    rows = list(read_lines(io.BytesIO(content), name, fault))
    good = [n for n in numbers if n not in bad]
    yield from zip(good, rows, strict=False)


def _row_lines(content: bytes) -> list[int]:
    """The line on which each row of the file begins, after its header."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    starts, before = [], 0
    try:
        for number, cells in enumerate(reader):
            if number and cells:
                starts.append(before + 1)
            before = reader.line_num
    except csv.Error:
        pass
    return starts


def _faults(row: IncidentLine, services: set[str]) -> list[tuple[str, str]]:
    found = [("services", f"There is no service {name}.") for name in row.services if name not in services]
    if row.category and row.category not in Category.values:
        found.append(("category", f"{row.category!r} is no category; one is {Category.CODE_DEFECT}."))
    if row.url and not is_link(row.url):
        found.append(("url", f"{row.url[:60]} is no web address."))
    wrong = Times(**{name: getattr(row, name) for name in NAMES}).disorder()
    if wrong:
        found.append(wrong)
    latest: datetime = max(t for name in NAMES if (t := getattr(row, name)) is not None)
    if latest > now():
        found.append(("detected_at", "A moment of it lies in the future."))
    return found


def _row(row: IncidentLine, source: str) -> IncidentRow:
    said = {f.name: getattr(row, f.name) for f in fields(IncidentLine) if f.name != "id"}
    return IncidentRow(source=source, external_id=row.id, **said)
