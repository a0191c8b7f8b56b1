"""Accounts' place in the installation."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "releasetrain.accounts"
    label = "accounts"

    def ready(self) -> None:
        from releasetrain.kernel.actor import register_permission_source

        from .permissions import grants_of

        register_permission_source(grants_of)
