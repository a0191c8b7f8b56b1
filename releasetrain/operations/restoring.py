"""Restoring a backup into an empty database, and comparing what is there then with what was backed up."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory

from releasetrain.audit import epoch, keys
from releasetrain.embedded.provisioning import APPLICATION, OWNER, Login, provision
from releasetrain.kernel.filestore import store

from . import connecting
from .digests import contents
from .manifest import DUMP, FILES, KEYS, Manifest


@dataclass
class Restored:
    """What came of it; empty differences mean that the database is the one that was backed up."""

    rows: int
    tables: int
    epoch: int
    differences: list[str] = field(default_factory=list)


def restore_database(folder: Path, manifest: Manifest, url: str, database: str) -> Restored:
    """Roles, database, dump; then the ledger's time, and the comparison."""
    owner = Login.of(os.environ.get("DATABASE_OWNER_URL") or "")
    application = Login.of(os.environ.get("DATABASE_URL") or "")
    provision(
        url,
        database=database,
        owner=Login(owner.name or OWNER, owner.password),
        application=Login(application.name or APPLICATION, application.password),
    )
    with connecting.connected(url, database) as opened, opened.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        if cursor.fetchone()[0]:
            raise connecting.CannotProceed(
                f"The database {database} holds tables; a backup is restored into an empty one."
            )
    # Extensions are there already, and their comments belong to the superuser who made them.
    arguments = [
        "--exit-on-error",
        "--single-transaction",
        "--no-password",
        "--no-comments",
        f"--dbname={database}",
    ]
    connecting.run_program("pg_restore", [*arguments, str(folder / DUMP)], url, database)
    with connecting.connected(url, database, autocommit=False) as opened:
        found = contents(opened)
        with opened.cursor() as cursor:
            begun = epoch.begin_after_what_is_there(cursor)
        opened.commit()
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute("ANALYZE")
    return Restored(found.rows, len(found.tables), begun, manifest.contents.differences(found))


def restore_files(folder: Path, manifest: Manifest) -> int:
    """Put back what the file store lacks; what lies there otherwise is named, never overwritten. Returns how many were missing."""
    damaged = manifest.damaged_files(folder)
    if damaged:
        raise connecting.CannotProceed(f"{len(damaged)} files of the backup are damaged, first {damaged[0]}.")
    kept, put = store(), 0
    for name, digest in manifest.files.items():
        if kept.there(name):
            with kept.opened(name) as file:
                if file_digest(file, "sha256").hexdigest() != digest.removeprefix("sha256:"):
                    raise connecting.CannotProceed(
                        f"{name} in the file store is another file than the backed up one; move it away first."
                    )
            continue
        with TemporaryDirectory(dir=folder) as beside:
            kept.put_path(name, Path(shutil.copyfile(folder / FILES / name, Path(beside) / "file")))
        put += 1
    return put


def restore_public_keys(folder: Path) -> list[str]:
    """Old signatures verify again; the secret key comes from where it is kept. Returns the ids of keys put back."""
    target, put = keys.key_file().parent, []
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted((folder / KEYS).glob("*.pub.pem")):
        if not (target / file.name).exists():
            shutil.copyfile(file, target / file.name)
            put.append(file.name.removesuffix(".pub.pem"))
    return put
