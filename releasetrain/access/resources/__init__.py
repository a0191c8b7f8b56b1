"""The faces of access, shown under Settings."""

from . import organization, reviews, trust  # noqa: F401 - each registers its resources
