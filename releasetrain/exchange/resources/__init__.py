"""The faces of the top floor: accounts under Settings, notifications, what is exchanged with other systems."""

from . import (  # noqa: F401 - each registers its resources
    accounts,
    events,
    forges,
    identity,
    notifications,
    tools,
    vault,
    webhooks,
)
