"""Files: kept once per content under the organization's name, outside the web root, found by digest, read against it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from releasetrain.kernel.filestore import Folder, answering, store
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.scope import require_scope

from .models import DisposedFile, StoredFile


class Disposed(RuntimeError):
    """The bytes were disposed of after their retention; their digest stays."""


class Damaged(RuntimeError):
    """The bytes are missing from the store or are no longer those that were stored."""


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def name_of(organization_id: uuid.UUID, digest: str) -> str:
    """The name of a digest's bytes in the store. It is made of the digest alone, never of anything a sender chose."""
    hexadecimal = digest.removeprefix("sha256:")
    return f"{organization_id}/{hexadecimal[:2]}/{hexadecimal}"


def keep(content: bytes, *, name: str, media_type: str = "application/octet-stream") -> StoredFile:
    """Store these bytes, once per organization; the same content again gives the same record."""
    digest = digest_of(content)
    _put(name_of(require_scope().organization_id, digest), content)
    return _record(digest, len(content), name, media_type)


def keep_path(path: Path, *, name: str, media_type: str = "application/octet-stream") -> StoredFile:
    """Store a file made on disk (a large package); it is not at its place any more afterwards."""
    with path.open("rb") as file:
        digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    with answering():
        store().put_path(name_of(require_scope().organization_id, digest), path)
    return _record(digest, size, name, media_type)


def restore(stored: StoredFile, content: bytes) -> None:
    """Put the bytes back where they were lost or damaged since; they must be those that were stored."""
    if digest_of(content) == stored.digest:
        _put(_name(stored), content)


def path_of(stored: StoredFile) -> Path:
    """The file's place in the folder of an installation that keeps its files there."""
    return Path(settings.VAR) / "files" / _name(stored)


def there(stored: StoredFile) -> bool:
    """Whether the store has bytes under the digest."""
    with answering():
        return store().there(_name(stored))


def read(stored: StoredFile) -> bytes:
    """The bytes, verified against their digest; raises Damaged when they are not what was stored."""
    try:
        with answering():
            content = store().read(_name(stored))
    except OSError as error:
        raise _missing(stored) from error
    if digest_of(content) != stored.digest:
        raise Damaged(f"{stored.name} has been changed in the file store.")
    return content


def opened(stored: StoredFile) -> IO[bytes]:
    """A file to read, however large, verified before its first byte is given; the caller closes it."""
    try:
        with answering():
            file = store().opened(_name(stored))
    except OSError as error:
        raise _missing(stored) from error
    if "sha256:" + hashlib.file_digest(file, "sha256").hexdigest() != stored.digest:
        file.close()
        raise Damaged(f"{stored.name} has been changed in the file store.")
    file.seek(0)
    return file


def as_stored(stored: StoredFile) -> IO[bytes]:
    """A file to read that nothing was verified of, for a copy of everything as it lies; the caller closes it."""
    with answering():
        return store().opened(_name(stored))


def fetched(stored: StoredFile, folder: Path) -> Path:
    """A path with the bytes, verified: their place where they lie in a folder, else a copy in the one given."""
    with opened(stored) as file:
        if isinstance(store(), Folder):
            return path_of(stored)
        copy = folder / "fetched" / stored.digest.removeprefix("sha256:")
        copy.parent.mkdir(exist_ok=True)
        with copy.open("wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
    return copy


@contextmanager
def as_they_lie(stored: StoredFile) -> Iterator[Path]:
    """A path with the bytes as they are now, for somebody who judges them: nothing is verified here."""
    if isinstance(store(), Folder):
        yield path_of(stored)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / stored.digest.removeprefix("sha256:")
        with answering():
            try:
                content = store().opened(_name(stored))
            except FileNotFoundError:
                yield copy
                return
        with content, copy.open("wb") as target:
            shutil.copyfileobj(content, target, 1 << 20)
        yield copy


def remove(stored: StoredFile) -> None:
    """Remove the bytes; twice does no harm."""
    with answering():
        store().remove(_name(stored))


def tombstone_of(stored: StoredFile) -> DisposedFile | None:
    """What says that the bytes were disposed of, if they were."""
    found: DisposedFile | None = stored.tombstones.select_related("disposal").first()
    return found


def _name(stored: StoredFile) -> str:
    return name_of(stored.organization_id, stored.digest)


def _missing(stored: StoredFile) -> Disposed | Damaged:
    tombstone = tombstone_of(stored)
    return (
        Disposed(tombstone.sentence)
        if tombstone
        else Damaged(f"{stored.name} is missing from the file store.")
    )


def _record(digest: str, size: int, name: str, media_type: str) -> StoredFile:
    stored: StoredFile
    stored, _ = StoredFile.objects.get_or_create(
        digest=digest, defaults={"size": size, "media_type": media_type[:100], "name": name[:150]}
    )
    return stored


def _put(name: str, content: bytes) -> None:
    try:
        store().put(name, content)
    except OSError as error:
        refuse_full(error)


def refuse_full(error: OSError) -> Any:
    """A full or unwritable disk is an answer to the sender, not a crash."""
    refuse(
        "file.not_stored",
        "The file could not be stored; nothing was recorded.",
        remedy=f"Try again later; the operator sees: {error.strerror or error}.",
        status=503,
    )
