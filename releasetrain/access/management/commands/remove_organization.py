"""`remove_organization <slug>`: what stands in the way of removing a closed organization; with `--yes` it is removed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.access.closing import closing_of, obstacles, remove
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = "Remove an organization that two of its owners have closed. Writers of all organizations wait meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the word in its addresses")
        parser.add_argument(
            "--yes", action="store_true", help="remove it; without, only say whether it can be"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['slug']}.")
        closing = closing_of(organization)
        if closing is None:
            raise CommandError(f"Nobody has asked to close {organization}: two of its owners do that.")
        with tenant_scope(organization.pk, Actor.system(organization.pk, "closing", route="command")):
            found = obstacles(closing)
        if found:
            raise CommandError(" ".join(found))
        if not options["yes"]:
            self.stdout.write(f"{organization} can be removed: say --yes.")
            return
        certificate = remove(organization, closing)
        rows = sum(count for name, count in certificate["rows"].items() if "_" in name)
        self.stdout.write(f"{closing.name} is removed: {rows} rows in {len(certificate['rows'])} tables.")
