"""The faces of planning: lists, pages and API of each kind of object."""

from . import (
    backlog,
    execution,
    integration,
    scoring,
)

__all__ = [
    "backlog",
    "execution",
    "integration",
    "scoring",
]
