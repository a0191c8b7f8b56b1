"""The place of problems in the installation."""

from django.apps import AppConfig


class ProblemsConfig(AppConfig):
    name = "problems"
