"""`import_wikimedia <organization> <folder> --train CODE`: a weekly train with its roll-backs."""

from releasetrain.exchange.imports.command import ImportCommand
from releasetrain.exchange.imports.wikimedia import import_ring_train


class Command(ImportCommand):
    help = "Import the steps of a weekly train through its rings, and configuration deployments."
    files = {"steps": ("train_events*.csv*",), "config_deploys": ("config_deploys*.csv*",)}
    optional = frozenset({"config_deploys"})
    train_name = "MediaWiki train"
    action = import_ring_train
