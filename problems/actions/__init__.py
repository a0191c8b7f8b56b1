"""Verbs of problems, loaded at start."""

from . import (
    debt,
    deviations,
    evidence,
    failure_links,
    following,
    incident_batch,
    incident_import,
    incidents,
    observation,
    policy,
    problems,
    reopening,
    root_causes,
    signals,
    success,
    windows,
)

__all__ = [
    "debt",
    "deviations",
    "evidence",
    "failure_links",
    "following",
    "incident_batch",
    "incident_import",
    "incidents",
    "observation",
    "policy",
    "problems",
    "reopening",
    "root_causes",
    "signals",
    "success",
    "windows",
]
