"""`rotate_ledger_key`: retire the signing key and make a new one; old checkpoints and packages keep verifying."""

from typing import Any

from django.core.management.base import BaseCommand

from releasetrain.audit.keys import rotate_key


class Command(BaseCommand):
    help = "Rotate the key that signs checkpoints and packages."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"New key {rotate_key().keyid}.")
