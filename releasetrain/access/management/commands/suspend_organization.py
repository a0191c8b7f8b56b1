"""`suspend_organization <slug> --reason …` and `--resume`: stop an organization, or let it go on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.access.actions.organization import resume_as_operator, suspend_as_operator
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Suspend an organization; its owners can read and export, but not resume what the operator suspended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the word in its addresses")
        parser.add_argument("--reason", required=True, help="its people read it")
        parser.add_argument("--resume", action="store_true", help="let it go on instead")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["slug"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['slug']}.")
        if options["resume"] and not organization.suspended_at:
            raise CommandError(f"{organization} is not suspended.")
        act = resume_as_operator if options["resume"] else suspend_as_operator
        with tenant_scope(organization.pk, Actor.system(organization.pk, options["reason"], route="command")):
            act(organization, options["reason"])
        self.stdout.write(f"{organization} is {'resumed' if options['resume'] else 'suspended'}.")
