"""Exchange's place in the installation: the top floor, which knows every domain."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "releasetrain.exchange"
    label = "exchange"

    def ready(self) -> None:
        """The last app: by now every other has said which notices it has."""
        from releasetrain.access import issuers
        from releasetrain.interface import notices

        from . import hooking, occasions, outgoing, posting, telling, watching  # noqa: F401 - listen to the ledger, carry notices

        notices.follow_ledger()
        issuers.ask_by(outgoing.get)
