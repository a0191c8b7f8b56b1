"""The faces of trains: lists, pages and API of each kind of object."""

from . import core, escalations, structure

__all__ = ["core", "escalations", "structure"]
__all__ = ["core", "structure"]
from . import calendar, core

__all__ = ["calendar", "core"]
from . import calendar, core, structure

__all__ = ["calendar", "core", "structure"]
