"""Django's registration of the embedded package, for the sake of its commands."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "releasetrain.embedded"
    label = "embedded"
    verbose_name = "Embedded servers"
