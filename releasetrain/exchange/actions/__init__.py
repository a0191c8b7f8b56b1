"""Verbs of the top floor: imports."""

from releasetrain.exchange.imports import (  # noqa: F401
    govuk,
    incidents,
    openstack,
    openstack_couplings,
    openstack_features,
    wikimedia,
)
