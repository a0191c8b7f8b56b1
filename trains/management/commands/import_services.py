"""`manage.py import_services <organization> <file>`: services and deliverables from CSV or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.service_import import import_services
from trains.models import Train


class Command(BaseCommand):
    """Import services; all rows or none."""

    help = "Import services from a CSV or JSON file: all rows or none; the same file twice changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="slug of the organization")
        parser.add_argument("file", type=Path)
        parser.add_argument("--train", default="", help="code of the train for rows that name none")
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        path: Path = options["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path.name} cannot be read: {error.strerror}.") from error
        actor = Actor.system(organization.pk, "manage.py import_services", route="command")
        try:
            with tenant_scope(organization.pk, actor):
                train = Train.objects.filter(key=options["train"]).first()
                if options["train"] and train is None:
                    raise CommandError(f"There is no train {options['train']}.")
                run = import_services(
                    actor, file=Upload(path.name, content), train=train, dry_run=options["dry_run"]
                )
        except Refused as refused:
            raise CommandError("\n".join(r.sentence for r in refused.refusals)) from refused
        verb = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{run.rows} rows: {run.created} {verb}created, {run.updated} {verb}updated, {run.unchanged} unchanged."
        )
