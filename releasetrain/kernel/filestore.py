"""Where stored files lie: a folder, or a bucket of an object storage that speaks S3. Names are ours, made of ids and digests.

What is put under a name is there whole or not at all. Who reads compares digests; the store promises nothing about bytes.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from django.conf import settings
from django.core.files.storage import storages

from .refusals import Refusal, Refused


class StoreAway(OSError):
    """The store does not answer, or refuses us: nothing is known about what lies there."""


class Store(Protocol):
    """Bytes by name. A name that is not there is a FileNotFoundError; a store that fails is another OSError."""

    def put(self, name: str, content: bytes) -> None: ...
    def put_path(self, name: str, path: Path) -> None: ...
    def read(self, name: str) -> bytes: ...
    def opened(self, name: str) -> IO[bytes]: ...
    def there(self, name: str) -> bool: ...
    def remove(self, name: str) -> None: ...
    def remove_all(self, prefix: str) -> None: ...
    def names(self) -> Iterator[str]: ...


class Folder:
    """A folder that all hosts share."""

    def __init__(self, root: Path):
        self.root = root

    def put(self, name: str, content: bytes) -> None:
        """Whole or not at all: write beside, flush to disk, rename. What was damaged since is put right."""
        target = self.root / name
        if self._holds(target, content):
            return
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

    def put_path(self, name: str, path: Path) -> None:
        """A file made beside the store, by moving it into place."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            beside = Path(shutil.copyfile(path, target.with_name(f".incoming-{path.name}")))
            beside.replace(target)
            path.unlink()

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def opened(self, name: str) -> IO[bytes]:
        return (self.root / name).open("rb")

    def there(self, name: str) -> bool:
        return (self.root / name).is_file()

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def remove_all(self, prefix: str) -> None:
        shutil.rmtree(self.root / prefix, ignore_errors=True)

    def names(self) -> Iterator[str]:
        for file in sorted(self.root.rglob("*")) if self.root.is_dir() else ():
            if file.is_file():
                yield file.relative_to(self.root).as_posix()

    @staticmethod
    def _holds(target: Path, content: bytes) -> bool:
        try:
            return target.stat().st_size == len(content) and target.read_bytes() == content
        except OSError:
            return False


class Bucket:
    """A bucket, below a prefix. Whether an object is there is asked of it each time: nothing is kept here."""

    def __init__(self, storage: Any):
        self.storage = storage

    def put(self, name: str, content: bytes) -> None:
        """With its checksum, by which the other side refuses what was changed on the way."""
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with _answering(name):
            self._object(name).put(Body=content, ChecksumSHA256=checksum)

    def put_path(self, name: str, path: Path) -> None:
        """In parts where it is large; only the last step makes it visible."""
        with _answering(name):
            self._object(name).upload_file(str(path), ExtraArgs={"ChecksumAlgorithm": "SHA256"})
        path.unlink()

    def read(self, name: str) -> bytes:
        with _answering(name):
            content: bytes = self._object(name).get()["Body"].read()
        return content

    def opened(self, name: str) -> IO[bytes]:
        """A copy on this host's disk, which is gone when it is closed."""
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            with _answering(name):
                self._object(name).download_fileobj(copy)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy

    def there(self, name: str) -> bool:
        try:
            with _answering(name):
                self._object(name).load()
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        with _answering(name):
            self._object(name).delete()

    def remove_all(self, prefix: str) -> None:
        with _answering(prefix):
            self.storage.bucket.objects.filter(Prefix=self._key(prefix) + "/").delete()

    def names(self) -> Iterator[str]:
        root = self._key("")
        with _answering(root):
            for each in self.storage.bucket.objects.filter(Prefix=root):
                yield each.key.removeprefix(root)

    def _key(self, name: str) -> str:
        prefix = self.storage.location.strip("/")
        return f"{prefix}/{name}" if prefix else name

    def _object(self, name: str) -> Any:
        return self.storage.bucket.Object(self._key(name))


@contextmanager
def _answering(name: str) -> Iterator[None]:
    """Tells "there is no such object" from everything else that can go wrong between us and the store."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("404", "NoSuchKey", "NotFound"):
            raise FileNotFoundError(name) from error
        raise StoreAway(0, f"the object storage answers {code}") from error
    except (BotoCoreError, Boto3Error) as error:
        # Its text may hold the address, which is the operator's to know, and is in the log by the cause.
        raise StoreAway(0, f"the object storage does not answer ({type(error).__name__})") from error


def store() -> Store:
    """The store that the environment names (FILES_URL)."""
    if settings.FILES_URL:
        return Bucket(storages["default"])
    return Folder(Path(settings.VAR) / "files")


@contextmanager
def answering() -> Iterator[None]:
    """What a person or a pipeline is told when the store is away: an answer with a remedy, not a crash."""
    try:
        yield
    except StoreAway as error:
        raise Refused(
            Refusal(
                "file.store_away",
                "The file store does not answer; nothing was changed.",
                "Try again in a minute. If it stays so, tell the operator.",
                status=503,
            )
        ) from error
