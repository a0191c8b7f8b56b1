"""The frame of the `import_…` commands: organization, train, files, and the counts at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.trains import create_train
from trains.models import ImportRun, Train


class ImportCommand(BaseCommand):
    """A subclass names its files (parameter → path relative to a folder) and the action that takes them."""

    files: dict[str, tuple[str, ...]] = {}
    optional: frozenset[str] = frozenset()
    train_name = ""
    action: Any = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="slug of the organization")
        parser.add_argument("folder", type=Path, help="folder with the files")
        parser.add_argument("--train", required=True, help="code of the train; created when there is none")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        uploads = self._uploads(options["folder"])
        actor = Actor.system(
            organization.pk, f"manage.py import of {options['folder'].name}", route="command"
        )
        try:
            with tenant_scope(organization.pk, actor):
                train = Train.objects.filter(key=options["train"]).first() or create_train(
                    actor,
                    key=options["train"],
                    name=self.train_name or options["train"],
                    cadence_start=now().date(),
                )
                run: ImportRun = type(self).action(actor, train=train, **uploads)
                further = self.further(actor, train, options)
        except Refused as refused:
            raise CommandError("\n".join(r.sentence for r in refused.refusals)) from refused
        for each in (run, *further):
            seconds = (each.finished_at - each.started_at).total_seconds() if each.finished_at else 0.0
            self.stdout.write(
                f"{each.kind}: {each.rows} rows: {each.created} created, {each.updated} updated,"
                f" {each.unchanged} unchanged, in {seconds:.1f} s."
            )

    def further(self, actor: Actor, train: Train, options: dict[str, Any]) -> list[ImportRun]:
        """Imports that follow in the same transaction, where the command line asks for them."""
        return []

    def _uploads(self, folder: Path) -> dict[str, Upload]:
        found: dict[str, Upload] = {}
        for parameter, names in self.files.items():
            path = next((p for name in names for p in sorted(folder.glob(name))), None)
            if path is not None:
                found[parameter] = Upload(path.name, path.read_bytes())
            elif parameter not in self.optional:
                raise CommandError(f"{folder.name} holds no {names[0]}.")
        return found
