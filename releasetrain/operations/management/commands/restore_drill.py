"""`restore_drill <folder>`: prove that a backup can be restored, without touching the product's database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.operations.connecting import CannotProceed
from releasetrain.operations.drilling import drill


class Command(BaseCommand):
    help = "Restore a backup into a database that is thrown away; compare digests, verify and seal its ledgers. Exit 1 when anything differs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            shown = drill(options["folder"])
        except CannotProceed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(shown.ledger.rstrip())
        for fault in shown.faults:
            self.stderr.write(fault)
        if shown.faults:
            raise CommandError(f"The backup does not restore as it should: {len(shown.faults)} faults.")
        self.stdout.write(
            f"The drill held: {shown.restored.rows} rows of {shown.restored.tables} tables with equal digests, ledgers"
            f" verified and sealed further (epoch {shown.restored.epoch}), {shown.seconds:.1f} s."
        )
