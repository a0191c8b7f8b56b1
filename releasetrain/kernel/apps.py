"""The kernel as an installed app, so that its commands and checks are found."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "releasetrain.kernel"
    label = "kernel"
