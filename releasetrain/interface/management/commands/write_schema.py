"""Write docs/openapi.yaml and docs/reference/api.md from the registries of resources and actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from releasetrain.interface.api import reference, schema


class Command(BaseCommand):
    help = "Write the OpenAPI schema and the API reference into docs/."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", default=str(Path(settings.BASE_DIR) / "docs"), help="Folder to write into."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["to"])
        for name, content in (
            ("openapi.yaml", schema.as_yaml()),
            ("reference/api.md", reference.as_markdown().encode()),
        ):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            self.stdout.write(f"{target.relative_to(folder)}: {len(content)} bytes")
