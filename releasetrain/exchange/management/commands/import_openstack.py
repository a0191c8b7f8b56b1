"""`import_openstack <organization> <series folder> --train CODE`: a release series, on wish with features and couplings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from releasetrain.exchange.imports.command import ImportCommand
from releasetrain.exchange.imports.openstack import import_release_series
from releasetrain.exchange.imports.openstack_couplings import import_series_couplings
from releasetrain.exchange.imports.openstack_features import import_series_features
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Upload
from trains.models import ImportRun, ProgramIncrement, Train


class Command(ImportCommand):
    help = (
        "Import a release series as OpenStack publishes it: teams, deliverables, schedule, freezes, versions;"
        " with --features its specifications, with --commits how deliverables are coupled. All or nothing."
    )
    files = {
        "schedule": ("schedule.json",),
        "deliverables": ("deliverables.json",),
        "teams": ("teams.json",),
        "releases": ("releases.csv",),
    }
    train_name = "OpenStack"
    action = import_release_series

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--features", type=Path, help="folder with features*.json")
        parser.add_argument(
            "--commits", type=Path, help="folder with commits-<series>.csv.gz and dependencies*.csv"
        )
        parser.add_argument("--requirements", type=Path, help="folder with constraint_changes*.csv.gz")

    def further(self, actor: Actor, train: Train, options: dict[str, Any]) -> list[ImportRun]:
        """Features and couplings of the series just imported."""
        runs: list[ImportRun] = []
        pi = ProgramIncrement.objects.filter(train=train).order_by("-created_at").first()
        series = pi.name if pi else ""
        commits = _file(options["commits"], f"commits-{series}.csv*")
        if options["features"]:
            features = _file(options["features"], "features*.json")
            runs.append(
                import_series_features(actor, train=train, series=series, features=features, commits=commits)
            )
        if options["commits"]:
            runs.append(
                import_series_couplings(
                    actor,
                    train=train,
                    dependencies=_file(options["commits"], "dependencies*.csv*"),
                    commits=commits,
                    constraints=_file(options["requirements"], "constraint_changes*.csv*"),
                )
            )
        return runs


def _file(folder: Path | None, name: str) -> Upload | None:
    if folder is None:
        return None
    path = next(iter(sorted(folder.glob(name))), None)
    if path is None:
        raise CommandError(f"{folder.name} holds no {name}.")
    return Upload(path.name, path.read_bytes())
