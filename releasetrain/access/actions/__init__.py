"""Verbs of access."""

from . import reviews, tokens, trust  # noqa: F401 - each declares its verbs
