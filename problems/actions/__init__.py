"""Verbs of problems, loaded at start."""

from . import (
    failure_links,
    following,
    incident_batch,
    incidents,
    observation,
    problems,
    reopening,
    root_causes,
)

__all__ = [
    "failure_links",
    "following",
    "incident_batch",
    "incidents",
    "observation",
    "problems",
    "reopening",
    "root_causes",
]
