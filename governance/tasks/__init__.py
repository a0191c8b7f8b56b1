"""Celery envelopes of governance, part by part."""

from . import (  # noqa: F401
    changes,
    evidence,
    findings,
    gates,
    replays,
    retention,
)
