"""`rebuild_search`: index everything of one organization, or of all, from the rows."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.interface.searching.indexing import rebuild
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = "Rebuild the search index from the rows; people can search meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", nargs="?", help="Slug of one organization; all without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Organization.objects.order_by("slug")
        if options["organization"]:
            chosen = chosen.filter(slug=options["organization"])
            if not chosen.exists():
                raise CommandError(f"There is no organization {options['organization']}.")
        for organization in chosen:
            started = time.monotonic()
            actor = Actor.system(organization.pk, "rebuild of the search index", route="command")
            with tenant_scope(organization.pk, actor):
                count = rebuild()
            self.stdout.write(f"{organization.slug}: {count} objects in {time.monotonic() - started:.1f} s")
