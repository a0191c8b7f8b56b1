"""Escalation: who is told of something that waits too long, after how long, and what they did about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.accounts.catalogue import Role
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .train import Train


class EscalationPolicy(TenantModel):
    """One kind of thing that must not wait for ever, on one train or on all."""

    name = models.CharField(max_length=120)
    subject_kind = models.CharField("applies to", max_length=40)
    train = TenantForeignKey(Train, related_name="escalation_policies", null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "escalation policies"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="escalation_policy_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class Channel(models.TextChoices):
    """How a level is told. The inbox always is; a channel adds to it."""

    INBOX = "inbox", "Inbox"
    EMAIL = "email", "Inbox and e-mail"


class EscalationLevel(TenantModel):
    """One rung: who is told when the rung below has not answered for so many minutes."""

    policy = TenantForeignKey(EscalationPolicy, related_name="levels")
    number = models.PositiveSmallIntegerField()
    after_minutes = models.PositiveIntegerField()
    role = models.CharField(max_length=30, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    on_call = models.BooleanField(default=False)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.INBOX)
    history = tracked()

    class Meta:
        ordering = ["policy", "number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="escalation_level_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="escalation_level_from_one"),
            models.CheckConstraint(
                condition=~Q(role="") | Q(person__isnull=False) | Q(on_call=True),
                name="escalation_level_tells_somebody",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="escalation_level_channel_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Level {self.number}: {self.who}"

    @property
    def who(self) -> str:
        """Whom this level tells, in words."""
        if self.on_call:
            return "Whoever is on call"
        return str(self.person) if self.person_id else str(Role(self.role).label)

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.policy.train_id))] if self.policy.train_id else []


class Escalation(KeyedModel):
    """One thing that waited too long, and how far up it has come."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Resolved"

    key_prefix = "ESC"

    policy = TenantForeignKey(EscalationPolicy, related_name="escalations")
    train = TenantForeignKey(Train, related_name="escalations", null=True, blank=True)
    subject_kind = models.CharField("kind", max_length=40)
    subject_id = models.UUIDField()
    subject_label = models.CharField("about", max_length=300)
    since = models.DateTimeField("waiting since")
    state = models.CharField(max_length=14, choices=State.choices, default=State.OPEN)
    level = models.PositiveSmallIntegerField(default=1)
    next_at = models.DateTimeField("climbs at", null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    held_until = models.DateTimeField("acknowledged until", null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["open", "acknowledged", "resolved"]), name="escalation_state_known"
            ),
            models.CheckConstraint(
                condition=(Q(state="resolved") & Q(resolved_at__isnull=False))
                | (~Q(state="resolved") & Q(resolved_at__isnull=True)),
                name="escalation_resolved_has_a_time",
            ),
            models.UniqueConstraint(
                fields=["policy", "subject_id"],
                condition=~Q(state="resolved"),
                name="escalation_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "next_at"], name="escalation_due"),
            models.Index(fields=["organization", "subject_id"], name="escalation_of_subject"),
        ]

    @property
    def title(self) -> str:
        return self.subject_label


class EscalationStep(TenantModel):
    """A fact of the timeline: raised, climbed, acknowledged, resolved, and whom it told."""

    class Act(models.TextChoices):
        RAISED = "raised", "Raised"
        CLIMBED = "climbed", "Climbed"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        LAPSED = "lapsed", "Acknowledgement ran out"
        NOTED = "noted", "Note"
        RESOLVED = "resolved", "Resolved"

    append_only = True

    escalation = TenantForeignKey(Escalation, related_name="steps")
    at = models.DateTimeField()
    act = models.CharField(max_length=14, choices=Act.choices)
    level = models.PositiveSmallIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    told = models.JSONField(default=list)
    channel = models.CharField(max_length=10, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(act__in=["raised", "climbed", "acknowledged", "lapsed", "noted", "resolved"]),
                name="escalation_step_act_known",
            )
        ]
        indexes = [models.Index(fields=["organization", "escalation", "at"], name="escalation_timeline")]

    def __str__(self) -> str:
        return f"{self.get_act_display()}, level {self.level}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.escalation.train_id))] if self.escalation.train_id else []


class InboxEntry(TenantModel):
    """What one person is told in the product; only that person sees it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    escalation = TenantForeignKey(Escalation, related_name="inbox")
    title = models.CharField(max_length=300)
    told_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "escalation notice"
        ordering = ["-told_at"]
        indexes = [models.Index(fields=["organization", "user", "read_at"], name="inbox_of_user")]

    def __str__(self) -> str:
        return self.title
