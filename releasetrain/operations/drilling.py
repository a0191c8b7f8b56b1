"""The restore drill: a backup comes back into a database of its own, is compared, verified, sealed further, and thrown away."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from psycopg2 import sql

from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.provisioning import APPLICATION, Login

from . import connecting
from .manifest import Manifest
from .restoring import Restored, restore_database


@dataclass
class Drill:
    """What the drill showed."""

    restored: Restored
    damaged_files: list[str]
    ledger: str
    sealed_further: bool
    seconds: float
    faults: list[str] = field(default_factory=list)


def drill(folder: Path) -> Drill:
    """Restore and prove; the product's own database is not touched."""
    began = time.monotonic()
    manifest = Manifest.read(folder)
    url = connecting.administrator_url()
    with _scratch(url) as database:
        restored = restore_database(folder, manifest, url, database)
        sound, ledger = _command(url, database, "verify_ledger")
        sealed, said = _goes_on(url, database)
    damaged = manifest.damaged_files(folder)
    faults = list(restored.differences)
    faults += [f"The file {name} is damaged." for name in damaged]
    faults += [] if sound else [f"The ledger does not verify: {ledger.strip()}"]
    faults += [] if sealed else [f"The ledger does not go on: {said}"]
    return Drill(restored, damaged, ledger, sealed, time.monotonic() - began, faults)


@contextmanager
def _scratch(url: str) -> Iterator[str]:
    name = f"{connecting.database_name()[:40]}_drill_{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        with connecting.connected(url, "postgres") as opened, opened.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _goes_on(url: str, database: str) -> tuple[bool, str]:
    """Whether entries that are written now come after the restored ones, and are sealed."""
    ended, said = _command(url, database, "seal_ledger")
    if not ended:
        return False, said
    with connecting.connected(url, database) as opened, opened.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_ledgerentry e WHERE NOT EXISTS (SELECT FROM audit_sealedleaf s"
            " WHERE s.organization_id = e.organization_id AND s.entry_id = e.id)"
        )
        waiting = cursor.fetchone()[0]
        cursor.execute("SELECT ledger_transaction() > coalesce(max(xid), 0) FROM audit_ledgerentry")
        after = cursor.fetchone()[0]
    if waiting or not after:
        return (
            False,
            f"{waiting} entries wait for sealing; new ones come {'after' if after else 'before'} the restored.",
        )
    return True, ""


def _command(url: str, database: str, *arguments: str) -> tuple[bool, str]:
    """A command of the product on the restored database, by a process of its own."""
    parameters, login = connecting.in_database(url, database), Login.of(os.environ.get("DATABASE_URL") or "")
    # As the application: a superuser would see the rows of all organizations at once.
    secret = f":{quote(login.password, safe='')}" if login.password else ""
    place = f"?host={quote(parameters.get('host', ''), safe='/')}&port={parameters.get('port', 5432)}"
    environment = _environment() | {
        "DATABASE_URL": f"postgresql://{login.name or APPLICATION}{secret}@/{database}{place}",
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments, "--skip-checks"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "SECRET_KEY": settings.SECRET_KEY,
        "RELEASETRAIN_VAR": str(settings.VAR),
        "RELEASETRAIN_SIGNING_KEY": settings.RELEASETRAIN_SIGNING_KEY,
    }
