"""What governance plugs into lower floors, part by part."""

from . import calendar, changes, evidence, gates, promotion, readiness, releases  # noqa: F401
