"""Writes of trains. Each module declares the verbs of one kind of object."""

from . import (
    artifacts,
    commits,
    couplings,
    deployments,
    environments,
    escalations,
    freezes,
    increments,
    milestones,
    releases,
    scope,
    service_import,
    services,
    teams,
    train_dependencies,
    trains,
)

__all__ = [
    "artifacts",
    "commits",
    "couplings",
    "deployments",
    "environments",
    "escalations",
    "freezes",
    "increments",
    "milestones",
    "releases",
    "scope",
    "service_import",
    "services",
    "teams",
    "train_dependencies",
    "trains",
]
