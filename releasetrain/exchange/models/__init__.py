"""Models of the exchange: what people are told, and what is exchanged with other systems."""

from .event import EventSource, InboundEvent
from .forge import ForgeConnection, ForgeStatus
from .notification import MailState, Notification, NotificationSettings, Watch
from .tool import ConnectorKind, Stance, ToolCategory, ToolStandard, ToolUse
from .vault import VaultServer
from .webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ConnectorKind",
    "EventSource",
    "ForgeConnection",
    "ForgeStatus",
    "InboundEvent",
    "MailState",
    "Notification",
    "NotificationSettings",
    "Stance",
    "ToolCategory",
    "ToolStandard",
    "ToolUse",
    "VaultServer",
    "Watch",
    "WebhookDelivery",
    "WebhookEndpoint",
]
