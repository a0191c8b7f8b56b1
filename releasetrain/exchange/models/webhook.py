"""Webhooks out: who wants to hear of which acts, and each message with what came of every attempt."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class WebhookEndpoint(TenantModel):
    """An address that is told of acts: signed JSON by Standard Webhooks, or a line for a chat."""

    class Form(models.TextChoices):
        STANDARD = "standard", "Standard Webhooks"
        SLACK = "slack", "Slack or Mattermost"
        TEAMS = "teams", "Microsoft Teams"

    name = models.CharField(max_length=80)
    url = models.CharField("address", max_length=500)
    host = models.CharField(max_length=253, blank=True, editable=False)
    form = models.CharField(max_length=10, choices=Form.choices, default=Form.STANDARD)
    verbs = models.JSONField("acts", default=list, help_text="E.g. deployment.*")
    sealed_secret = models.TextField(blank=True, editable=False)
    sealed_previous = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField("earlier secret until", null=True, blank=True)
    since = models.DateTimeField("hears of acts since", default=now)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["url", "sealed_secret", "sealed_previous", "failing_since"])

    # The address of a chat's webhook is its secret; where it goes is on record as the host.
    never_logged = ("url", "sealed_secret", "sealed_previous")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="webhook_endpoint_name_once"),
            models.CheckConstraint(
                condition=Q(form__in=["standard", "slack", "teams"]), name="webhook_endpoint_form_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def prepare_save(self) -> None:
        super().prepare_save()
        self.host = urlsplit(self.url).hostname or ""


class WebhookDelivery(TenantModel):
    """One message to one endpoint. Its id is the `webhook-id` of every attempt, so that receivers can drop repetitions."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    endpoint = TenantForeignKey(WebhookEndpoint, related_name="deliveries")
    entry = models.BigIntegerField("ledger entry", null=True, blank=True)
    verb = models.CharField("act", max_length=80)
    label = models.CharField("about", max_length=200, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    log = models.JSONField(default=list, blank=True, help_text="Every attempt: when, how long, the answer.")
    delivered_at = models.DateTimeField("delivered", null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "endpoint", "entry"],
                condition=Q(entry__isnull=False),
                name="webhook_delivery_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "delivered", "failed"]), name="webhook_delivery_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(due_at__isnull=False), name="webhook_delivery_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "endpoint", "-created_at"], name="webhook_delivery_log"),
            models.Index(
                fields=["organization", "due_at"], condition=Q(state="waiting"), name="webhook_delivery_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.label}".strip()
