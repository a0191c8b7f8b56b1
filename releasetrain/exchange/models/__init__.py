"""Models of the exchange: what people are told, and what is exchanged with other systems."""

from .event import EventSource, InboundEvent
from .forge import ForgeConnection, ForgeStatus
from .identity import DirectoryGroup, Identity, IdentityProvider, SignInDomain
from .notification import MailState, Notification, NotificationSettings, Watch
from .tool import ConnectorKind, Stance, ToolCategory, ToolStandard, ToolUse
from .vault import VaultServer
from .webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ConnectorKind",
    "DirectoryGroup",
    "EventSource",
    "ForgeConnection",
    "ForgeStatus",
    "Identity",
    "IdentityProvider",
    "InboundEvent",
    "MailState",
    "Notification",
    "NotificationSettings",
    "SignInDomain",
    "Stance",
    "ToolCategory",
    "ToolStandard",
    "ToolUse",
    "VaultServer",
    "Watch",
    "WebhookDelivery",
    "WebhookEndpoint",
]
