"""Files on disk: kept once per content under the organization's folder, outside the web root, found by digest."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings

from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.scope import require_scope

from .models import DisposedFile, StoredFile


class Disposed(RuntimeError):
    """The bytes were disposed of after their retention; their digest stays."""


class Damaged(RuntimeError):
    """The bytes on disk are missing or are no longer those that were stored."""


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def location(organization_id: uuid.UUID, digest: str) -> Path:
    """Where the bytes of a digest lie. The name is made of the digest alone, never of anything a sender chose."""
    hexadecimal = digest.removeprefix("sha256:")
    return Path(settings.VAR) / "files" / str(organization_id) / hexadecimal[:2] / hexadecimal


def keep(content: bytes, *, name: str, media_type: str = "application/octet-stream") -> StoredFile:
    """Store these bytes, once per organization; the same content again gives the same record."""
    digest = digest_of(content)
    _write(location(require_scope().organization_id, digest), content)
    return _record(digest, len(content), name, media_type)


def keep_path(path: Path, *, name: str, media_type: str = "application/octet-stream") -> StoredFile:
    """Store a file made on disk (a large package) by moving it into place."""
    with path.open("rb") as file:
        digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    target = location(require_scope().organization_id, digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    return _record(digest, size, name, media_type)


def restore(stored: StoredFile, content: bytes) -> None:
    """Put the bytes back where they were lost or damaged since; they must be those that were stored."""
    if digest_of(content) == stored.digest:
        _write(path_of(stored), content)


def path_of(stored: StoredFile) -> Path:
    """The file's place on disk."""
    return location(stored.organization_id, stored.digest)


def read(stored: StoredFile) -> bytes:
    """The bytes, verified against their digest; raises Damaged when they are not what was stored."""
    try:
        content = path_of(stored).read_bytes()
    except OSError as error:
        tombstone = tombstone_of(stored)
        if tombstone:
            raise Disposed(tombstone.sentence) from error
        raise Damaged(f"{stored.name} is missing from the file store.") from error
    if digest_of(content) != stored.digest:
        raise Damaged(f"{stored.name} has been changed in the file store.")
    return content


def tombstone_of(stored: StoredFile) -> DisposedFile | None:
    """What says that the bytes were disposed of, if they were."""
    found: DisposedFile | None = stored.tombstones.select_related("disposal").first()
    return found


def _record(digest: str, size: int, name: str, media_type: str) -> StoredFile:
    stored: StoredFile
    stored, _ = StoredFile.objects.get_or_create(
        digest=digest, defaults={"size": size, "media_type": media_type[:100], "name": name[:150]}
    )
    return stored


def _write(target: Path, content: bytes) -> None:
    """Whole or not at all: write beside, flush to disk, rename. What was damaged since is put right."""
    if _holds(target, content):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        refuse_full(error)


def _holds(target: Path, content: bytes) -> bool:
    try:
        return target.stat().st_size == len(content) and target.read_bytes() == content
    except OSError:
        return False


def refuse_full(error: OSError) -> Any:
    """A full or unwritable disk is an answer to the sender, not a crash."""
    refuse(
        "file.not_stored",
        "The file could not be stored; nothing was recorded.",
        remedy=f"Try again later; the operator sees: {error.strerror or error}.",
        status=503,
    )
