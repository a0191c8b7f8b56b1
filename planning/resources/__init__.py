"""The faces of planning: lists, pages and API of each kind of object."""

from . import backlog, integration, scoring

__all__ = ["backlog", "integration", "scoring"]
__all__ = ["backlog", "scoring"]
from . import backlog, execution

__all__ = ["backlog", "execution"]
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
