"""What metrics bring into the installation: every module of dashboards declares its own when imported."""

from .dashboards import delivery  # noqa: F401
