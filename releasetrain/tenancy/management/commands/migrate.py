"""`migrate`, followed by the database's guards, so that no table is ever without them."""

from typing import Any

from django.core.management.commands import migrate

from releasetrain.tenancy.adding_migrations import applied_lightly
from releasetrain.tenancy.guards import apply_guards


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with applied_lightly():
            super().handle(*args, **options)
        if not options.get("plan") and not options.get("check_unapplied") and not options.get("app_label"):
            count = apply_guards()
            if options["verbosity"]:
                self.stdout.write(f"Guards in place on {count} tables.")
