"""The faces of trains: lists, pages and API of each kind of object."""

from . import calendar, core, escalations, structure

__all__ = ["calendar", "core", "escalations", "structure"]
from . import compatibility, core, releases

__all__ = ["compatibility", "core", "releases"]
