"""`manage.py write_checks`: write the generated parts of docs/guide/gates.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from governance.checks.listing import rewritten


class Command(BaseCommand):
    help = "Write kinds of checks, facts of expressions and preconditions into docs/guide/gates.md."

    def handle(self, *args: Any, **options: Any) -> None:
        guide = Path(settings.BASE_DIR) / "docs" / "guide" / "gates.md"
        guide.write_text(rewritten(guide.read_text()))
        self.stdout.write(f"Written: {guide}")
