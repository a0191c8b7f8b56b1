"""The interface's place in the installation: it reads every app's `resources.py` before the first request."""

from importlib import import_module

from django.apps import AppConfig


class InterfaceConfig(AppConfig):
    name = "releasetrain.interface"
    label = "interface"

    def ready(self) -> None:
        from . import discovery

        for module in (f"{self.name}.own_resources", *discovery.modules("resources")):
            import_module(module)
