"""Making the archive of an organization: every table as JSON lines straight out of the database, and every stored file.

The rows are copied by the database into the archive as they come, so memory stays flat however many there are, in one
snapshot, so that they belong together.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import orjson
from django.conf import settings
from django.core.cache import cache
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Q

from governance import files
from governance.models import StoredFile
from releasetrain.accounts.models import ApiToken, Membership, User
from releasetrain.audit import ledger
from releasetrain.audit.models import Checkpoint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.filestore import answering, store
from releasetrain.tenancy.guards import tenant_models
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from .models import OrganizationArchive

State = OrganizationArchive.State
LEASE = timedelta(hours=1)
KEPT = timedelta(days=7)
ATTEMPTS = 3
# What opens something, or could: hashes and sealed secrets leave the installation in no archive.
_SECRET = {
    "secret_hash",
    "password",
    "token_hash",
    "secret",
    "sealed_secret",
    "sealed_previous",
    "lease",
    "assertion",
}
# JSON text holds no such characters, so that a row comes out of COPY as it is.
_AS_IT_IS = r"WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"


class Stopped(RuntimeError):
    """The archive was cancelled while it was being made."""


class _Counted:
    """A file that counts lines and bytes and digests what passes."""

    def __init__(self, target: IO[bytes]):
        self.target, self.lines, self.size = target, 0, 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes | str) -> int:
        raw = data.encode() if isinstance(data, str) else data
        self.target.write(raw)
        self.lines += raw.count(b"\n")
        self.size += len(raw)
        self.digest.update(raw)
        return len(data)

    def summary(self) -> dict[str, Any]:
        return {"rows": self.lines, "bytes": self.size, "sha256": self.digest.hexdigest()}


def name_of(archive: OrganizationArchive) -> str:
    """The archive's name in the store of files: beside the organization's."""
    return f"{archive.organization_id}/archives/{archive.pk}.zip"


def opened(archive: OrganizationArchive) -> IO[bytes] | None:
    """The archive to read, if it is there and is what was made."""
    try:
        with answering():
            file = store().opened(name_of(archive))
    except OSError:
        return None
    if "sha256:" + hashlib.file_digest(file, "sha256").hexdigest() != archive.digest:
        file.close()
        return None
    file.seek(0)
    return file


def remove(archive: OrganizationArchive) -> None:
    """Remove the file; twice does no harm."""
    store().remove(name_of(archive))


def progress(archive: OrganizationArchive) -> dict[str, int]:
    """How far a running one is."""
    found: dict[str, int] = cache.get(f"archive:{archive.pk}") or {}
    return found


def work(organization_id: uuid.UUID) -> int:
    """Make what waits, drop what is over; returns how many were made."""
    _expire(organization_id)
    archive = _claim(organization_id)
    if archive is None:
        return 0
    # On the disk of a store that is a folder, so that putting it there is a rename.
    partial = Path(settings.VAR) / "files" / name_of(archive).replace(".zip", f".{archive.lease}.part")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        manifest = _write(archive, partial)
        with partial.open("rb") as file:
            digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        size = partial.stat().st_size
        store().put_path(name_of(archive), partial)
    except Stopped:
        partial.unlink(missing_ok=True)
        return 0
    except Exception as error:
        partial.unlink(missing_ok=True)
        _settle(archive, {"error": f"{type(error).__name__}: {error}"[:300]})
        raise
    _settle(archive, {"manifest": manifest, "digest": digest, "size": size})
    return 1


def _claim(organization_id: uuid.UUID) -> OrganizationArchive | None:
    with tenant_scope(organization_id, Actor.system(organization_id, "archive")):
        moment = now()
        waiting = Q(state=State.QUEUED) | Q(state=State.RUNNING, claimed_until__lte=moment)
        found = OrganizationArchive.objects.select_for_update(skip_locked=True).filter(waiting).first()
        if found is None:
            return None
        found.attempts += 1
        found.state = State.RUNNING if found.attempts <= ATTEMPTS else State.FAILED
        found.lease, found.claimed_until = uuid.uuid4(), moment + LEASE
        if found.state == State.FAILED:
            found.lease, found.error = None, found.error or "No worker finished it."
        found.save()
    return found if found.state == State.RUNNING else None


def _write(archive: OrganizationArchive, path: Path) -> dict[str, Any]:
    organization_id = archive.organization_id
    manifest: dict[str, Any] = {"format": "release-train-archive/1", "tables": {}, "files": {}}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as zipped,
        _snapshot(organization_id),
    ):
        organization = Organization.objects.get(pk=organization_id)
        manifest["organization"] = {
            "id": str(organization_id),
            "slug": organization.slug,
            "name": organization.name,
        }
        manifest["made_at"] = plain(now())
        manifest["schema"] = _schema()
        newest = Checkpoint.objects.order_by("-id").first()
        manifest["checkpoint"] = newest.note if newest else None
        queries = list(_queries())
        for number, (name, query, params) in enumerate(queries, 1):
            _still_wanted(archive, number, len(queries))
            with zipped.open(f"tables/{name}.jsonl", "w", force_zip64=True) as entry:
                counted = _Counted(entry)
                with connection.cursor() as cursor:
                    text = cursor.mogrify(query, params).decode()
                    cursor.copy_expert(f"COPY ({text}) TO STDOUT {_AS_IT_IS}", counted)
            manifest["tables"][name] = counted.summary()
        for stored in StoredFile.objects.order_by("id").iterator(chunk_size=500):
            manifest["files"][stored.digest] = _file(zipped, stored)
        zipped.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


@contextmanager
def _snapshot(organization_id: uuid.UUID) -> Iterator[None]:
    """All tables as of one moment."""
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with tenant_scope(organization_id, Actor.system(organization_id, "archive")):
            yield


def _queries() -> Iterator[tuple[str, str, list[Any]]]:
    """Every table of the organization, then the people and tokens it knows, without what opens anything."""
    for model in tenant_models():
        yield model._meta.db_table, _rows_of(model, "true"), []
    mine = "organization_id = nullif(current_setting('releasetrain.organization', true), '')::uuid"
    yield Membership._meta.db_table, _rows_of(Membership, mine), []
    yield ApiToken._meta.db_table, _rows_of(ApiToken, mine), []
    people = f"id IN (SELECT user_id FROM {Membership._meta.db_table} WHERE {mine})"  # noqa: S608 - our own names
    yield (
        User._meta.db_table,
        _rows_of(User, people, ("id", "email", "name", "kind", "time_zone", "date_joined")),
        [],
    )


def _rows_of(model: type[models.Model], condition: str, only: tuple[str, ...] = ()) -> str:
    tracked = getattr(model, "instance_type", model)
    secret = _SECRET | set(getattr(tracked, "never_logged", ()))
    columns = [
        f'"{f.column}"'
        for f in model._meta.concrete_fields
        if f.column and f.name not in secret and (not only or f.name in only)
    ]
    key = model._meta.pk.column
    return (
        f'SELECT row_to_json(t) FROM (SELECT {", ".join(columns)} FROM "{model._meta.db_table}"'  # noqa: S608 - our own names
        f' WHERE {condition} ORDER BY "{key}") t'
    )


def _schema() -> dict[str, str]:
    """The last migration of each app: what the columns mean is told by this version."""
    return dict(sorted(MigrationRecorder(connection).applied_migrations()))


def _file(zipped: zipfile.ZipFile, stored: StoredFile) -> dict[str, Any]:
    said = {"name": stored.name, "bytes": stored.size, "there": files.there(stored)}
    if said["there"]:
        name = f"files/{stored.digest.removeprefix('sha256:')}"
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_STORED
        with files.as_stored(stored) as source, zipped.open(info, "w", force_zip64=True) as entry:
            shutil.copyfileobj(source, entry, 1 << 20)
    return said


def _still_wanted(archive: OrganizationArchive, number: int, of: int) -> None:
    if cache.get(f"archive-cancelled:{archive.pk}"):
        raise Stopped
    cache.set(f"archive:{archive.pk}", {"tables": number, "of": of}, 3600)


def _settle(archive: OrganizationArchive, came: dict[str, Any]) -> None:
    """Note what came of it, unless it was cancelled or another worker took over."""
    organization_id = archive.organization_id
    actor = Actor.system(organization_id, f"archive {archive.key}")
    with tenant_scope(organization_id, actor):
        mine = OrganizationArchive.objects.select_for_update().filter(
            pk=archive.pk, lease=archive.lease, state=State.RUNNING
        )
        found = mine.first()
        if found is None:
            if "digest" in came:
                remove(archive)
            return
        found.lease, found.claimed_until = None, None
        if "error" in came:
            found.error = came["error"]
            found.state = State.FAILED if found.attempts >= ATTEMPTS else State.QUEUED
        else:
            manifest = came["manifest"]
            found.manifest, found.digest, found.size = manifest, came["digest"], came["size"]
            found.tables = len(manifest["tables"])
            found.rows = sum(table["rows"] for table in manifest["tables"].values())
            found.state, found.finished_at, found.expires_at, found.error = (
                State.READY,
                now(),
                now() + KEPT,
                "",
            )
            ledger.append(
                actor, "organization_archive.finish", found, {"digest": found.digest, "rows": found.rows}
            )
        found.save()


def _expire(organization_id: uuid.UUID) -> None:
    with tenant_scope(organization_id, Actor.system(organization_id, "archive")):
        for over in OrganizationArchive.objects.select_for_update().filter(
            state=State.READY, expires_at__lte=now()
        ):
            over.state = State.EXPIRED
            over.save()
            transaction.on_commit(lambda over=over: remove(over))
