"""The verbs of governance, loaded at start."""

from . import boards, changes  # noqa: F401
