"""What people are told: the inbox with the state of its mail, each person's wishes, and what they follow."""

from __future__ import annotations

from datetime import time

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from releasetrain.interface.links import url_of_ref
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from releasetrain.tenancy.models import TenantModel


class MailState(models.TextChoices):
    """Where the mail about one notification stands."""

    NONE = "none", "No mail"
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Notification(TenantModel):
    """One thing told to one person, who alone sees it. Its mail is claimed under a lease, and sent outside of a transaction."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    key = models.CharField(max_length=250, editable=False)
    name = models.CharField("kind", max_length=80)
    title = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    about_kind = models.CharField(max_length=60, blank=True)
    about_id = models.CharField(max_length=60, blank=True)
    about_label = models.CharField("about", max_length=200, blank=True)
    urgent = models.BooleanField(default=False)
    told_at = models.DateTimeField("told", default=now)
    read_at = models.DateTimeField("read", null=True, blank=True)

    mail = models.CharField(max_length=10, choices=MailState.choices, default=MailState.NONE)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField("mailed", null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-told_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user", "key"], name="notification_once"),
            models.CheckConstraint(condition=Q(mail__in=MailState.values), name="notification_mail_known"),
            models.CheckConstraint(
                condition=~Q(mail="waiting") | Q(mail_due_at__isnull=False), name="notification_mail_is_due"
            ),
            models.CheckConstraint(
                condition=~Q(mail="sent") | Q(mailed_at__isnull=False), name="notification_mailed_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "user", "-told_at", "-id"], name="notification_of_user"),
            models.Index(
                fields=["organization", "user"],
                condition=Q(read_at__isnull=True),
                name="notification_unread",
            ),
            models.Index(
                fields=["organization", "mail_due_at"],
                condition=Q(mail="waiting"),
                name="notification_mail_due",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def href(self) -> str:
        """The page of what it is about; empty when it is about nothing that has one."""
        return url_of_ref(Ref(self.about_kind, self.about_id, self.about_label)) if self.about_kind else ""


class NotificationSettings(TenantModel):
    """How one person wants to be told in this organization."""

    class Mail(models.TextChoices):
        AT_ONCE = "at_once", "At once"
        DAILY = "daily", "In one mail a day"
        WEEKLY = "weekly", "In one mail a week"
        NEVER = "never", "No mail"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    mail = models.CharField(max_length=10, choices=Mail.choices, default=Mail.AT_ONCE)
    digest_at = models.TimeField(default=time(8))
    digest_weekday = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(6)])
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    quiet_weekends = models.BooleanField(default=False)
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: your own zone.")
    muted = models.JSONField(default=list, blank=True, help_text="Kinds of notices that are not told.")

    class Meta:
        verbose_name_plural = "notification settings"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="notification_settings_once"),
            models.CheckConstraint(
                condition=Q(mail__in=["at_once", "daily", "weekly", "never"]),
                name="notification_settings_mail_known",
            ),
            models.CheckConstraint(condition=Q(digest_weekday__lte=6), name="notification_settings_weekday"),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notification_settings_quiet_has_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"Notifications of {self.user}"


class Watch(TenantModel):
    """What one person follows: an object with all that happens to it, or certain acts wherever they happen, or both."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    object_kind = models.CharField("kind", max_length=60, blank=True)
    object_id = models.UUIDField(null=True, blank=True)
    object_label = models.CharField("object", max_length=200, blank=True)
    verbs = models.JSONField("acts", default=list, blank=True, help_text="E.g. deployment.*; empty: all.")

    class Meta:
        verbose_name_plural = "watches"
        ordering = ["object_label", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "object_id", "verbs"],
                name="watch_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(object_id__isnull=False) | ~Q(verbs=[]), name="watch_follows_something"
            ),
        ]

    def __str__(self) -> str:
        what = ", ".join(self.verbs)
        if not self.object_id:
            return what
        return f"{self.object_label}: {what}" if what else self.object_label
