"""Verbs of access."""

from . import tokens, trust  # noqa: F401 - each declares its verbs
