"""The faces of planning: lists, pages and API of each kind of object."""

from . import backlog, scoring

__all__ = ["backlog", "scoring"]
from . import backlog, integration

__all__ = ["backlog", "integration"]
