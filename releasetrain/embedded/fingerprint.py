"""Digests of the files that decide a prepared result, so that work already done is not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_APPS = ("releasetrain", "trains", "governance", "planning", "problems", "reviews", "metrics")
# What the schema is made of: migrations, and the models that the guards (row-level security, grants,
# triggers) are derived from after them.
_SCHEMA = (
    "migrations/*.py",
    "models.py",
    "models/**/*.py",
    "guards.py",
    "guards/**/*.py",
    "**/*.sql",
)
_SCHEMA_FLOORS = ("releasetrain/tenancy", "releasetrain/audit")


def schema_digest(root: Path = ROOT) -> str:
    """Changes when a migrated database would look different."""
    return digest_of(root, _schema_files(root), extra=_installed(root))


def static_digest(root: Path = ROOT) -> str:
    """Changes when the collected static files would differ; by size and time, for every start asks."""
    told = hashlib.sha256(_installed(root))
    for file in sorted((root / "static").rglob("*")):
        if file.is_file():
            facts = file.stat()
            told.update(f"{file.relative_to(root)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    told.update((root / "releasetrain/settings/interface.py").read_bytes())
    return told.hexdigest()


def digest_of(root: Path, files: Iterable[Path], extra: bytes = b"") -> str:
    """One digest over names and contents."""
    told = hashlib.sha256(extra)
    for file in sorted(set(files)):
        told.update(f"{file.relative_to(root)}\0".encode())
        told.update(hashlib.sha256(file.read_bytes()).digest())
    return told.hexdigest()


def _schema_files(root: Path) -> Iterable[Path]:
    for app in _APPS:
        top = root / app
        for folder in (top, *(child for child in top.glob("*") if child.is_dir())):
            for pattern in _SCHEMA:
                yield from folder.glob(pattern)
    for floor in _SCHEMA_FLOORS:
        yield from (root / floor).glob("*.py")
    # The permissions that migrate writes.
    yield from (root / "releasetrain/accounts").glob("catalogue.py")


def _installed(root: Path) -> bytes:
    """Third-party apps bring migrations and static files too; the lock says which."""
    lock = root / "requirements" / "run.txt"
    return lock.read_bytes() if lock.exists() else b""
