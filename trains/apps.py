"""The place of trains in the installation."""

from django.apps import AppConfig


class TrainsConfig(AppConfig):
    name = "trains"
