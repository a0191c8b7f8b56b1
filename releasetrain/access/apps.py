"""Access's place in the installation."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "releasetrain.access"
    label = "access"
