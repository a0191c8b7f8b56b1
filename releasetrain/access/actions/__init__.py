"""Verbs of access."""

from . import archives, closing, invitations, organization, reviews, tokens, trust  # noqa: F401 - each declares its verbs
