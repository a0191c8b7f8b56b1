"""Records on their way into a package: written to disk as they come, so that memory holds only their ids and digests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from releasetrain.audit.rules.package import Written, record_row, write_records

from .collect import Entry


class RecordSpool:
    """Rows in the order in which they were collected, put in the order of their ids at the end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "records.spool"
        self._target = folder / "records.json"
        self._file = self._path.open("wb")
        # id → offset and length of its row, and its digest
        self._rows: dict[str, tuple[int, int, str]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, entry: Entry) -> bool:
        """Take a record; False when two collectors found the same one and it is here already."""
        kind, ident, label, data = entry
        name = f"{kind}:{ident}"
        if name in self._rows:
            return False
        row, index = record_row({"id": name, "kind": kind, "label": label, "data": data})
        self._rows[name] = (self._file.tell(), len(row), index["digest"])
        self._file.write(row)
        return True

    def close(self) -> None:
        """Let go of the file; nothing can be added any more."""
        self._file.close()

    def finish(self) -> Written:
        """Write ``records.json``."""
        self.close()
        order = sorted(self._rows)
        with self._path.open("rb") as source, self._target.open("wb") as target:

            def rows() -> Iterator[bytes]:
                for name in order:
                    offset, length, _ = self._rows[name]
                    source.seek(offset)
                    yield source.read(length)

            write_records(target, rows())
        self._path.unlink()
        index: list[dict[str, Any]] = [{"id": name, "digest": self._rows[name][2]} for name in order]
        return Written(self._target, index)
