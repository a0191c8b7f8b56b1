"""`migrate`, followed by the database's guards, so that no table is ever without them; others may be at work meanwhile."""

from typing import Any

from django.core.management.commands import migrate

from releasetrain.tenancy.adding_migrations import applied_lightly
from releasetrain.tenancy.guards import apply_guards
from releasetrain.tenancy.putting_in_place import patiently
from releasetrain.tenancy.under_load import defaults_kept, wait_briefly


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        wait_briefly()
        with applied_lightly(), defaults_kept():
            # What was applied stays applied: the next try goes on where this one gave way.
            patiently(lambda: migrate.Command.handle(self, *args, **options))
        if not options.get("plan") and not options.get("check_unapplied") and not options.get("app_label"):
            count = apply_guards()
            if options["verbosity"]:
                self.stdout.write(f"Guards in place on {count} tables.")
