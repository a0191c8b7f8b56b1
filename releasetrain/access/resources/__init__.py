"""The faces of access, shown under Settings."""

from . import trust  # noqa: F401 - registers its resources
