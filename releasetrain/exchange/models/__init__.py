"""Models of the exchange: what people are told, and what is exchanged with other systems."""

from .event import EventSource, InboundEvent
from .forge import ForgeConnection, ForgeStatus
from .notification import MailState, Notification, NotificationSettings, Watch
from .vault import VaultServer
from .webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "EventSource",
    "ForgeConnection",
    "ForgeStatus",
    "InboundEvent",
    "MailState",
    "Notification",
    "NotificationSettings",
    "VaultServer",
    "Watch",
    "WebhookDelivery",
    "WebhookEndpoint",
]
