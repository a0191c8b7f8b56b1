"""The place of governance in the installation."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
