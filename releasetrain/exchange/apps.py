"""Exchange's place in the installation: the top floor, which knows every domain."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "releasetrain.exchange"
    label = "exchange"
