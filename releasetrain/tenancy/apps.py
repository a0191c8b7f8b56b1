"""Tenancy's place in the installation."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "releasetrain.tenancy"
    label = "tenancy"

    def ready(self) -> None:
        from . import checks  # noqa: F401
