"""`import_incidents <organization> <folder> --train CODE`: the incidents of a status page."""

from releasetrain.exchange.imports.command import ImportCommand
from releasetrain.exchange.imports.incidents import import_status_page


class Command(ImportCommand):
    help = "Import the incidents of a public status page (JSON Lines)."
    files = {"incidents": ("incidents*.jsonl*",)}
    train_name = "Platform"
    action = import_status_page
