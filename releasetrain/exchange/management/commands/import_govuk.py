"""`import_govuk <organization> <folder> --train CODE`: a deployment history with its commits."""

from releasetrain.exchange.imports.command import ImportCommand
from releasetrain.exchange.imports.govuk import import_deployment_history


class Command(ImportCommand):
    help = "Import deployments and commits in the columns of GOV.UK's deployment history."
    files = {"deployments": ("deployments*.csv*",), "commits": ("production_commits*.csv*",)}
    optional = frozenset({"commits"})
    train_name = "GOV.UK"
    action = import_deployment_history
