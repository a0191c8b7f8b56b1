"""The place of metrics in the installation."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "metrics"
