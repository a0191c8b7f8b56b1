"""Exchange's place in the installation: the top floor, which knows every domain."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "releasetrain.exchange"
    label = "exchange"

    def ready(self) -> None:
        """The last app: by now every other has said which notices it has."""
        from releasetrain.interface import notices

        from . import telling, watching  # noqa: F401 - plug in who carries notices

        notices.follow_ledger()
