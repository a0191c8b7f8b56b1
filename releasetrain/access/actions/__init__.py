"""Verbs of access."""

from . import invitations, organization, reviews, tokens, trust  # noqa: F401 - each declares its verbs
