"""Celery envelopes of governance, part by part."""

from . import evidence, gates  # noqa: F401
