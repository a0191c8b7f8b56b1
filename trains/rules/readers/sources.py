"""Opening an imported file: a path or an uploaded stream, packed or not, up to a set size."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

Source = Path | str | BinaryIO

UNPACKED_LIMIT = 256 * 1024 * 1024
_GZIP = b"\x1f\x8b"


class TooLarge(Exception):
    """The file unpacks to more than the limit."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Limited(io.RawIOBase):
    """Passes bytes on and stops a file that unpacks without end."""

    def __init__(self, inner: _Readable, limit: int):
        self._inner, self._left = inner, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        chunk = self._inner.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLarge
        buffer[: len(chunk)] = chunk
        return len(chunk)


def source_name(source: Source, name: str | None = None) -> str:
    """The file name shown in errors: the last part of the path, never a directory of this machine."""
    if name:
        return name
    if isinstance(source, str | Path):
        return Path(source).name
    return Path(str(getattr(source, "name", "") or "upload")).name


@contextmanager
def opened(source: Source, limit: int = UNPACKED_LIMIT) -> Iterator[io.BufferedReader[Any]]:
    """The bytes of the source, unpacked. gzip is known by its first bytes, not by the file's name."""
    with ExitStack() as stack:
        raw = stack.enter_context(Path(source).open("rb")) if isinstance(source, str | Path) else source
        buffered: io.BufferedReader[Any] = io.BufferedReader(_Limited(raw, limit), 1 << 16)
        if buffered.peek(2)[:2] == _GZIP:
            unpacked = _Limited(gzip.GzipFile(fileobj=buffered), limit)
            buffered = io.BufferedReader(unpacked, 1 << 16)
        yield buffered
