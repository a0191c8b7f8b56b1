"""Access's place in the installation."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "releasetrain.access"
    label = "access"

    def ready(self) -> None:
        from . import reminding  # noqa: F401 - says who is told of what
