"""The page that lies beside a dump: what is in the backup, by digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .connecting import CannotProceed
from .digests import Contents

NAME, DUMP, FILES, KEYS = "manifest.json", "database.dump", "files", "public-keys"
FORMAT = 1


@dataclass
class Manifest:
    """Of one backup. Keys are named by their digests: the secret ones are never in it."""

    taken_at: str
    database: str
    contents: Contents
    dump: str
    migrations: list[str]
    files: dict[str, str] = field(default_factory=dict)
    public_keys: list[str] = field(default_factory=list)
    signing_key: str = ""

    def write(self, folder: Path) -> None:
        said = {
            "format": FORMAT,
            "taken_at": self.taken_at,
            "database": self.database,
            "dump": self.dump,
            "signing_key": self.signing_key,
            "public_keys": self.public_keys,
            "migrations": self.migrations,
            "contents": self.contents.as_json(),
            "files": self.files,
        }
        (folder / NAME).write_text(json.dumps(said, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Of a whole backup: an interrupted one has no manifest, and a damaged one is refused."""
        file = folder / NAME
        if not file.is_file():
            raise CannotProceed(f"{folder} holds no finished backup (no {NAME}).")
        said: dict[str, Any] = json.loads(file.read_text())
        if said.get("format") != FORMAT:
            raise CannotProceed(f"{folder} was written by another version (format {said.get('format')}).")
        names = ("taken_at", "database", "dump", "migrations", "files", "public_keys", "signing_key")
        found = cls(contents=Contents.of(said["contents"]), **{name: said[name] for name in names})
        if digest_of(folder / DUMP) != found.dump:
            raise CannotProceed(f"{folder / DUMP} is not what was backed up: its digest is another.")
        return found

    def damaged_files(self, folder: Path) -> list[str]:
        """Files of the store that are missing from the backup, or are not what was stored."""
        return [
            name
            for name, digest in self.files.items()
            if not (folder / FILES / name).is_file() or digest_of(folder / FILES / name) != digest
        ]


def digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return "sha256:" + hashlib.file_digest(opened, "sha256").hexdigest()
