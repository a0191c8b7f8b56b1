"""Verbs of the top floor: notifications, what is exchanged with other systems, imports."""

from releasetrain.exchange.actions import (  # noqa: F401
    directory,
    events,
    forges,
    identity,
    notifications,
    vault,
    webhooks,
)
from releasetrain.exchange.imports import (  # noqa: F401
    govuk,
    incidents,
    openstack,
    openstack_couplings,
    openstack_features,
    wikimedia,
)
