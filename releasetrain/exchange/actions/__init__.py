"""Verbs of the top floor: imports."""

from releasetrain.exchange.imports import govuk, incidents, openstack, wikimedia  # noqa: F401
