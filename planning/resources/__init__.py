"""The faces of planning: lists, pages and API of each kind of object."""

from . import (
    backlog,
    board,
    event,
    execution,
    integration,
    portfolio,
    quality,
    scoring,
    solutions,
)

__all__ = [
    "backlog",
    "board",
    "event",
    "execution",
    "integration",
    "portfolio",
    "quality",
    "scoring",
    "solutions",
]
