"""What importers share: uploads as streams, row errors as one refusal, the run put on record."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused
from trains.actions.commits import CommitResult
from trains.actions.environments import create_environment
from trains.models import Environment, ImportRun, Train
from trains.rules.readers.row_error import RowError

SHOWN = 50


@dataclass
class Faults:
    """Rows that cannot be used; any one of them refuses the whole import."""

    found: list[RowError] = field(default_factory=list)

    def __call__(self, error: RowError) -> None:
        self.found.append(error)

    def refuse(self) -> None:
        """Refuse the import when a row has a fault, naming file, line and column of each."""
        if not self.found:
            return
        refusals = [
            Refusal(
                "import.row",
                f"{e.file} line {e.line}, {e.column}: {e.sentence}"
                if e.line
                else f"{e.file} {e.column}: {e.sentence}",
                field=f"rows/{e.line or 0}/{e.column}",
                status=422,
            )
            for e in self.found[:SHOWN]
        ]
        if len(self.found) > SHOWN:
            refusals.append(
                Refusal("import.more", f"{len(self.found) - SHOWN} further rows have faults.", status=422)
            )
        raise Refused(*refusals)


def stream(upload: Upload) -> io.BytesIO:
    """The upload as a stream that carries its name into error messages."""
    opened = io.BytesIO(upload.content)
    opened.name = upload.name
    return opened


class BatchResult(Protocol):
    """What bulk verbs report."""

    @property
    def rows(self) -> int: ...

    @property
    def created(self) -> int: ...

    @property
    def updated(self) -> int: ...


@dataclass
class Counts:
    """What an import changed."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, result: BatchResult) -> None:
        """Deployments or incidents of a batch."""
        self.rows += result.rows
        self.created += result.created
        self.updated += result.updated
        self.unchanged += result.rows - result.created - result.updated

    def add_commits(self, result: CommitResult) -> None:
        """Commits of a batch; a commit completed by a later import is updated."""
        self.rows += result.rows
        self.created += result.created
        self.updated += result.completed
        self.unchanged += result.rows - result.created - result.completed


def put_on_record(kind: str, uploads: Iterable[Upload], counts: Counts, started_at: Any) -> ImportRun:
    """One row per import, with the digest over its files."""
    listed = list(uploads)
    told = hashlib.sha256()
    for upload in listed:
        told.update(hashlib.sha256(upload.content).digest())
    return ImportRun.objects.create(
        kind=kind,
        source_name=", ".join(u.name for u in listed)[:200],
        digest=f"sha256:{told.hexdigest()}",
        rows=counts.rows,
        created=counts.created,
        updated=counts.updated,
        unchanged=counts.unchanged,
        started_at=started_at,
        finished_at=now(),
    )


def ensure_environments(
    actor: Actor, wanted: dict[str, Environment.Kind], train: Train
) -> dict[str, Environment]:
    """Environments by name; those unknown are created for the train, in the given order."""
    known = {e.name: e for e in Environment.objects.filter(name__in=wanted)}
    system = Actor.system(actor.organization_id, "named by an import", route=actor.route)
    for rank, (name, kind) in enumerate(wanted.items(), 1):
        if name not in known:
            known[name] = create_environment(system, name=name, kind=kind, rank=rank * 10, train=train)
    return known
