"""`guard_database`: put row-level security, composite references and append-only triggers in place again."""

from typing import Any

from django.core.management.base import BaseCommand

from releasetrain.tenancy.guards import apply_guards


class Command(BaseCommand):
    help = "Apply the database guards derived from the models (idempotent; migrate does it too)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Guards in place on {apply_guards()} tables.")
