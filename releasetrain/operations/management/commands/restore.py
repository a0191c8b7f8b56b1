"""`restore <folder>`: a backup into the empty database that DATABASE_URL names, with files and public keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.operations import connecting
from releasetrain.operations.connecting import CannotProceed
from releasetrain.operations.manifest import Manifest
from releasetrain.operations.restoring import restore_database, restore_files, restore_public_keys


class Command(BaseCommand):
    help = "Restore a backup into the database of DATABASE_URL, which must be empty or not exist yet."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--without-files", action="store_true", help="leave the file store as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            manifest = Manifest.read(folder)
            database = connecting.database_name()
            restored = restore_database(folder, manifest, connecting.administrator_url(), database)
            files = 0 if options["without_files"] else restore_files(folder, manifest)
            restore_public_keys(folder)
        except CannotProceed as error:
            raise CommandError(str(error)) from error
        for difference in restored.differences:
            self.stderr.write(difference)
        if restored.differences:
            raise CommandError(f"What was restored into {database} is not what was backed up.")
        self.stdout.write(
            f"Restored {restored.rows} rows of {restored.tables} tables into {database}: all digests are equal."
            f" {files} files were put back."
        )
        self.stdout.write(
            "Next: `manage.py migrate` for this version's schema, then `manage.py verify_ledger`."
        )
