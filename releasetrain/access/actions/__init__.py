"""Verbs of access."""

from . import (  # noqa: F401 - each declares its verbs
    archives,
    closing,
    invitations,
    organization,
    own_account,
    reviews,
    tokens,
    trust,
)
