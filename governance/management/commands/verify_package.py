"""`manage.py verify_package file.zip`: check an evidence package against the keys this installation has published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.evidence.checking import check_file


class Command(BaseCommand):
    help = "Check an evidence package against the public keys of this installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("package", type=Path)

    def handle(self, *args: Any, package: Path, **options: Any) -> None:
        finding = check_file(package)
        if not finding.intact:
            raise CommandError("Not intact:\n" + "\n".join(f"- {problem}" for problem in finding.problems))
        self.stdout.write(finding.sentence)
