"""Verbs of metrics, loaded at start."""

from . import changes, schedules

__all__ = ["changes", "schedules"]
