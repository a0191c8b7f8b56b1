"""Invitations by mail: for one address, once, until a day."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Grant, Scope
from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class Invitation(TenantModel):
    """Somebody is asked to join in a role. The link in the mail is signed and works once."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        REVOKED = "revoked", "Revoked"

    class Mail(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    email = models.EmailField("e-mail address", max_length=254)
    role = models.CharField(max_length=30, choices=Role.choices)
    scope = TenantForeignKey(Scope, related_name="invitations")
    grant_ends_at = models.DateTimeField("role ends", null=True, blank=True)
    message = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    expires_at = models.DateTimeField("expires")
    # Raised when it is sent anew: links of earlier mails open nothing.
    number = models.PositiveIntegerField(default=1)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    grant = TenantForeignKey(Grant, related_name="invitations", null=True, blank=True)
    mail = models.CharField(max_length=10, choices=Mail.choices, default=Mail.WAITING)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "revoked"]), name="invitation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(mail__in=["waiting", "sent", "failed"]), name="invitation_mail_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(accepted_by__isnull=False, grant__isnull=False),
                name="invitation_accepted_by_somebody",
            ),
            models.UniqueConstraint(
                "organization", Lower("email"), "role", "scope",
                condition=Q(state="open"), name="invitation_once",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["organization", "mail_due_at"],
                condition=Q(mail="waiting"),
                name="invitation_mail_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()}"
