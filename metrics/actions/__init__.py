"""Verbs of metrics, loaded at start."""

from . import changes, kpis, schedules, slos

__all__ = ["changes", "kpis", "schedules", "slos"]
