"""Reads of trains: no change of state happens here."""

from .deployments import current_versions, deployments_between, production_environments
from .freezes import active_freezes
from .increments import current_increment, current_iteration, next_release
from .releases import release_content

__all__ = [
    "active_freezes",
    "current_increment",
    "current_iteration",
    "current_versions",
    "deployments_between",
    "next_release",
    "production_environments",
    "release_content",
]
