"""The place of planning in the installation."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "planning"
