"""`create_organization <slug> <name> --owner <e-mail>`: found an organization from the command line."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.accounts.actions import create_organization
from releasetrain.accounts.models import User
from releasetrain.kernel.refusals import Refused


class Command(BaseCommand):
    help = "Found an organization; its owner has to have an account already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the word in its addresses, e.g. northwind")
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, help="e-mail address of the first owner")
        parser.add_argument("--time-zone", default="UTC", help="IANA name, e.g. Europe/Berlin")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(email__iexact=options["owner"]).first()
        if owner is None:
            raise CommandError(f"Nobody has signed up as {options['owner']}.")
        try:
            organization = create_organization(
                slug=options["slug"], name=options["name"], owner=owner, time_zone=options["time_zone"]
            )
        except (Refused, ValidationError) as refused:
            raise CommandError(str(getattr(refused, "messages", None) or refused)) from refused
        self.stdout.write(f"{organization} is founded at /o/{organization.slug}/.")
