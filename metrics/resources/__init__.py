"""The faces of what metrics keep of their own."""

from . import flow, reporting  # noqa: F401
