"""The faces of the top floor: accounts under Settings, notifications, what is exchanged with other systems."""

from . import accounts, events, forges, notifications, vault, webhooks  # noqa: F401 - each registers its resources
