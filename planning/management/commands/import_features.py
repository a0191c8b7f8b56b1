"""manage.py import_features <organization> <file.csv>: import features from CSV, Jira or Azure DevOps."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from planning.actions.feature_import import import_features
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.models import Train


class Command(BaseCommand):
    help = "Import features from a CSV file, plain or exported by Jira or Azure DevOps: all or nothing, again without harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", help="short name of the organization")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--train", default="", help="code of the train; may be left out when there is only one"
        )
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=COLUMN", help="map a column to a field"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        try:
            content = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        mapping = dict(pair.split("=", 1) for pair in options["map"] if "=" in pair)
        actor = Actor.system(organization.pk, "import by command", route="command")
        try:
            with tenant_scope(organization.pk, actor):
                result = import_features(
                    actor,
                    train=_train(options["train"]),
                    file=Upload(options["file"].name, content, "text/csv"),
                    mapping=mapping,
                    dry_run=options["dry_run"],
                )
        except Refused as refused:
            lines = "\n".join(refusal.sentence for refusal in refused.refusals)
            raise CommandError(f"Nothing was imported.\n{lines}") from refused
        if options["dry_run"]:
            self.stdout.write(json.dumps(result, indent=2))
            if result["errors"]:
                raise CommandError("The file has errors; nothing would be imported.")
            return
        self.stdout.write(
            f"{result.created} created, {result.updated} updated, {result.unchanged} unchanged."
        )


def _train(code: str) -> Train:
    trains = Train.objects.filter(archived_at__isnull=True)
    if code:
        trains = trains.filter(key=code.upper())
    found = list(trains[:2])
    if len(found) != 1:
        raise CommandError(f"There is no train {code}." if code else "Name the train: --train CODE.")
    return found[0]
