"""Audit's place in the installation."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps


class AuditConfig(AppConfig):
    name = "releasetrain.audit"
    label = "audit"

    def ready(self) -> None:
        import_module("releasetrain.audit.checks")
        # The registry of actions must be complete before the first request, in every process.
        for config in apps.get_app_configs():
            for module in ("actions", "extensions"):
                if find_spec(f"{config.name}.{module}"):
                    import_module(f"{config.name}.{module}")
