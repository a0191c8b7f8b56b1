"""`backup <folder>`: database, files and public keys as they are now, with digests to compare a restore by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.operations.backing_up import take_backup
from releasetrain.operations.connecting import CannotProceed


class Command(BaseCommand):
    help = "Write a backup into a new folder, while the product runs. Needs DATABASE_SUPERUSER_URL where `make run` is not used."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            taken = take_backup(options["folder"])
        except CannotProceed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Backed up {taken.contents.rows} rows of {len(taken.contents.tables)} tables and {len(taken.files)} files"
            f" into {options['folder']}."
        )
        self.stdout.write(
            f"Not in it, and needed: SECRET_KEY, and the signing key {taken.signing_key[:16]}; keep both elsewhere."
        )
