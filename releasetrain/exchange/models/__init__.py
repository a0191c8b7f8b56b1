"""Models of the exchange: what people are told, and what is exchanged with other systems."""

from .notification import MailState, Notification, NotificationSettings, Watch

__all__ = ["MailState", "Notification", "NotificationSettings", "Watch"]
