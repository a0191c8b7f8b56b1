"""The faces of trains: lists, pages and API endpoints of each kind of object."""

from . import core

__all__ = ["core"]
