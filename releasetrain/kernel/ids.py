"""Identifiers: UUID version 7 (RFC 9562), so that primary keys grow with time."""

import uuid

import uuid_utils


def uuid7() -> uuid.UUID:
    """A new time-ordered UUID as the standard library's type."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)
