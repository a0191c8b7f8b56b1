"""`import_openstack <organization> <series folder> --train CODE`: a release series."""

from releasetrain.exchange.imports.command import ImportCommand
from releasetrain.exchange.imports.openstack import import_release_series


class Command(ImportCommand):
    help = (
        "Import a release series as OpenStack publishes it: teams, deliverables, schedule, freezes, versions."
    )
    files = {
        "schedule": ("schedule.json",),
        "deliverables": ("deliverables.json",),
        "teams": ("teams.json",),
        "releases": ("releases.csv",),
    }
    train_name = "OpenStack"
    action = import_release_series
