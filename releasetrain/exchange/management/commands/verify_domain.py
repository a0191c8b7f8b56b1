"""`verify_domain <organization> <domain>`: the operator vouches for a claimed domain where DNS cannot be asked."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.exchange import people
from releasetrain.exchange.actions.identity import verify_domain
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = "Vouch for an e-mail domain that an organization has claimed, without asking DNS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="its word in addresses")
        parser.add_argument("domain")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        actor = Actor.system(organization.pk, "the operator vouches for the domain", route="command")
        with tenant_scope(organization.pk, actor):
            provider = people.provider_in_use()
            if provider is None:
                raise CommandError(f"{organization} has no identity provider.")
            try:
                verify_domain(actor, provider, domain=options["domain"])
            except Refused as refused:
                raise CommandError(str(refused)) from refused
        self.stdout.write(f"{options['domain']} is a domain of {organization}.")
