"""Write docs/reference/api-contract.json: what callers may rely on from this release on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.interface.api import contract, schema

FILE = Path(settings.BASE_DIR) / "docs" / "reference" / "api-contract.json"


class Command(BaseCommand):
    help = "Keep the API as it is now as the contract that later changes are compared with. Run it for each release."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--breaking", action="store_true", help="Keep it although it breaks callers of the last release."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = contract.contract_of(schema.document())
        if FILE.exists() and not options["breaking"]:
            broken = contract.breaks(contract.read(FILE.read_bytes()), made)
            if broken:
                raise CommandError("This breaks callers; give --breaking to keep it:\n" + "\n".join(broken))
        FILE.write_bytes(contract.written(made))
        self.stdout.write(f"{FILE.name}: {len(made['operations'])} operations")
