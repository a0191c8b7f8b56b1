"""What happens around votes: recusals, signatures beside the board's, action items of meetings, reminders."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .changes import ChangeRequest, Meeting, known


class Recusal(TenantModel):
    """Somebody takes no part in deciding a change. It stands for the whole change, and cannot be taken back."""

    change = TenantForeignKey(ChangeRequest, related_name="recusals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    append_only = True

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "change", "user"], name="recused_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="recusal_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.reason}"[:120]

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()


class ChangeSignature(TenantModel):
    """A problem manager's signature on a high-impact fix, beside the votes of the board."""

    change = TenantForeignKey(ChangeRequest, related_name="signatures")
    revision = models.PositiveIntegerField()
    content_digest = models.CharField(max_length=71)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    agrees = models.BooleanField()
    rationale = models.TextField()
    append_only = True

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "change", "revision"], name="change_signed_once"),
            models.CheckConstraint(condition=~Q(rationale=""), name="change_signature_has_rationale"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {'agrees' if self.agrees else 'does not agree'}"

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()


class MeetingAction(TenantModel):
    """What somebody took upon themselves in a meeting."""

    meeting = TenantForeignKey(Meeting, related_name="actions")
    change = TenantForeignKey(ChangeRequest, related_name="meeting_actions", null=True, blank=True)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["due_on", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | ~Q(result=""), name="meeting_action_done_with_result"
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "owner", "due_on"],
                condition=Q(done_at__isnull=True),
                name="meeting_action_open",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return [("board", str(self.meeting.board_id))]


class Reminder(TenantModel):
    """Something a person is due to do, said once; it goes away when it is done or no longer needed."""

    class Kind(models.TextChoices):
        VOTE = "vote", "A vote"
        MEETING = "meeting", "A meeting"
        ACTION = "action", "An action item"
        CONDITION = "condition", "A condition"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    change = TenantForeignKey(ChangeRequest, related_name="reminders", null=True, blank=True)
    meeting = TenantForeignKey(Meeting, related_name="reminders", null=True, blank=True)
    sentence = models.CharField(max_length=300)
    due_at = models.DateTimeField()
    occasion = models.CharField(max_length=80, help_text="What it is about, exactly; said once for each.")
    settled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user", "occasion"], name="reminded_once"),
            known("kind", "reminder_kind_known", "vote meeting action condition"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "user", "due_at"],
                condition=Q(settled_at__isnull=True),
                name="reminder_open",
            )
        ]

    def __str__(self) -> str:
        return self.sentence[:120]
