"""Taking a backup: dump and digests of one snapshot, then the files that it may speak of, last the manifest."""

from __future__ import annotations

import shutil
from pathlib import Path

from releasetrain.audit import keys
from releasetrain.audit.rules.signing import PublicKey
from releasetrain.kernel.clock import now
from releasetrain.kernel.filestore import store

from . import connecting
from .digests import contents
from .manifest import DUMP, FILES, KEYS, Manifest, digest_of


def take_backup(folder: Path) -> Manifest:
    """Write a backup into a folder that is new or empty; other people may go on working meanwhile."""
    if folder.exists() and any(folder.iterdir()):
        raise connecting.CannotProceed(f"{folder} is not empty; a backup gets a folder of its own.")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    url, database = connecting.administrator_url(), connecting.database_name()
    taken_at = now().isoformat()
    with connecting.connected(url, database, autocommit=False) as opened:
        opened.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with opened.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
            arguments = [
                "--format=custom",
                f"--snapshot={snapshot}",
                f"--file={folder / DUMP}",
                "--no-password",
            ]
            connecting.run_program("pg_dump", arguments, url, database)
            cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
            migrations = [name for (name,) in cursor.fetchall()]
        found = contents(opened)
    manifest = Manifest(
        taken_at=taken_at,
        database=database,
        contents=found,
        dump=digest_of(folder / DUMP),
        migrations=migrations,
        # After the snapshot: every file that its rows speak of is there by now.
        files=copy_files(folder / FILES),
        public_keys=_copy_public_keys(folder / KEYS),
        signing_key=keys.signer().public.keyid,
    )
    manifest.write(folder)
    return manifest


def copy_files(target: Path) -> dict[str, str]:
    """Stored files never change, so a copy needs no lock; what is only being written has no final name yet."""
    copied, kept = {}, store()
    for name in kept.names():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            with kept.opened(name) as file, (target / name).open("wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
        except FileNotFoundError:  # disposed of, or moved to its final name, since it was listed
            (target / name).unlink(missing_ok=True)
            continue
        copied[name] = digest_of(target / name)
    return copied


def _copy_public_keys(target: Path) -> list[str]:
    """What verifies old signatures; whoever has these can sign nothing."""
    target.mkdir(parents=True, exist_ok=True)
    found: list[PublicKey] = keys.public_keys()
    for key in found:
        (target / f"{key.keyid[:16]}.pub.pem").write_text(key.pem)
    return [key.keyid for key in found]
