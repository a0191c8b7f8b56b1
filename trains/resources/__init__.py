"""The faces of trains: lists, pages and API of each kind of object."""

from . import core, structure

__all__ = ["core", "structure"]
from . import core, escalations

__all__ = ["core", "escalations"]
