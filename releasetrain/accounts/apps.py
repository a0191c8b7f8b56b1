"""Accounts' place in the installation."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "releasetrain.accounts"
    label = "accounts"

    def ready(self) -> None:
        from releasetrain.kernel.actor import register_permission_source
        from releasetrain.tenancy.scope import ask_on_entering

        from .permissions import asked_on_entering, grants_of

        register_permission_source(grants_of)
        ask_on_entering(asked_on_entering)
