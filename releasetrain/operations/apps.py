"""Django's registration of the operators' commands."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "releasetrain.operations"
    label = "operations"
    verbose_name = "Operations"
