"""A backup comes back as it was, into a cluster that counted less far too, and its ledger goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from releasetrain.audit.sealing import seal
from releasetrain.embedded.postgres import PostgresServer
from releasetrain.embedded.servers import UNSAFE_BUT_FAST, start_postgres
from releasetrain.operations import connecting
from releasetrain.operations.digests import Contents
from releasetrain.operations.manifest import Manifest
from releasetrain.operations.restoring import restore_files
from tests.governance.gateway import Gateway, junit


@pytest.fixture
def backup(
    committed_db: Any, cast: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A backup of Northwind after some work, with a stored report and a sealed ledger."""
    settings.VAR = tmp_path / "var"
    settings.RELEASETRAIN_SIGNING_KEY = str(tmp_path / "keys" / "ledger.pem")
    monkeypatch.setenv("RELEASETRAIN_VAR", str(settings.VAR))
    monkeypatch.setenv("RELEASETRAIN_SIGNING_KEY", settings.RELEASETRAIN_SIGNING_KEY)
    monkeypatch.setenv("DATABASE_SUPERUSER_URL", committed_db.superuser_url)
    gateway = Gateway(cast)
    gateway.post(junit(3), "1.0.0")
    with gateway.scope("auditor"):
        assert seal(cast.organization.pk)
    # Not sealed yet when the backup is taken.
    gateway.post(junit(4), "1.1.0")
    call_command("backup", str(tmp_path / "backup"))
    return tmp_path / "backup"


@pytest.fixture
def fresh_cluster(tmp_path: Path) -> Any:
    """A PostgreSQL that has hardly counted a transaction."""
    (tmp_path / "fresh").mkdir()
    tmp_path.chmod(0o711)
    server = start_postgres(
        tmp_path / "fresh" / "data", log_path=tmp_path / "fresh.log", options=UNSAFE_BUT_FAST
    )
    yield server
    server.stop()


def test_a_backup_comes_back_also_where_less_was_counted_and_its_ledger_goes_on(
    backup: Path,
    fresh_cluster: PostgresServer,
    committed_db: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    with pytest.raises(CommandError, match="holds tables"):
        call_command("restore", str(backup))
    with pytest.raises(CommandError, match="not empty"):
        call_command("backup", str(backup))
    with pytest.raises(CommandError, match="no finished backup"):
        call_command("restore_drill", str(backup.parent))
    _holds_no_secret(backup)
    with psycopg2.connect(committed_db.superuser_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT max(xid) FROM audit_ledgerentry")
        newest = cursor.fetchone()[0]
    monkeypatch.setenv("DATABASE_SUPERUSER_URL", fresh_cluster.superuser_url)
    with connecting.connected(fresh_cluster.superuser_url, "postgres") as opened, opened.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        assert cursor.fetchone()[0] < newest, "this cluster would count on before what it gets"
    # It restores, compares, verifies, and seals what was not sealed yet: without the epoch that would wait for ever.
    call_command("restore_drill", str(backup))
    said = capsys.readouterr().out
    assert said.count(": sound") == 2
    assert "The drill held" in said
    with connecting.connected(fresh_cluster.superuser_url, "postgres") as opened, opened.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE '%%_drill_%%'")
        assert cursor.fetchall() == []
    _files_come_back(backup)


def _holds_no_secret(backup: Path) -> None:
    held = [file for file in backup.rglob("*") if file.is_file()]
    assert not any(b"PRIVATE KEY" in file.read_bytes() for file in held)
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["signing_key"] in manifest["public_keys"]


def _files_come_back(backup: Path) -> None:
    manifest = Manifest.read(backup)
    assert len(manifest.files) == 2
    name = sorted(manifest.files)[0]
    store = Path(settings.VAR) / "files"
    (store / name).unlink()
    assert restore_files(backup, manifest) == 1
    (store / name).write_bytes(b"other")
    with pytest.raises(connecting.CannotProceed, match="another file"):
        restore_files(backup, manifest)
    (backup / "files" / name).write_bytes(b"rotten")
    with pytest.raises(connecting.CannotProceed, match="damaged"):
        restore_files(backup, manifest)
    with (backup / "database.dump").open("ab") as dump:
        dump.write(b"x")
    with pytest.raises(CommandError, match="is not what was backed up"):
        call_command("restore_drill", str(backup))


def test_every_change_shows_as_a_difference() -> None:
    backed_up = Contents(
        {"trains_service": (2, "sha256:a"), "gone": (1, "sha256:b")}, {"ids": 7}, {"acme": (3, "c0")}
    )
    assert backed_up.differences(backed_up) == []
    found = Contents({"trains_service": (2, "sha256:x")}, {"ids": 8}, {"acme": (4, "c1")})
    assert backed_up.differences(found) == [
        "The table gone is in one of the two only.",
        "The table trains_service holds other rows.",
        "The sequence ids stands elsewhere.",
        "The newest checkpoint of acme is another.",
    ]
