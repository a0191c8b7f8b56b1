"""Celery envelopes of governance, part by part."""

from . import evidence, gates, retention  # noqa: F401
