"""Verbs of problems, loaded at start."""

from . import (
    debt,
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
    "debt",
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
