"""The faces of planning: lists, pages and API of each kind of object."""

from . import backlog

__all__ = ["backlog"]
