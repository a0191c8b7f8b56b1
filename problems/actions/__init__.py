"""Verbs of problems, loaded at start."""

from . import (
    evidence,
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
    "evidence",
    "failure_links",
    "following",
    "incident_batch",
    "incidents",
    "observation",
    "problems",
    "reopening",
    "root_causes",
]
