"""Events from other systems: who sends them, and each one as it came, with what was made of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.exchange.rules.events import choices
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class EventSource(TenantModel):
    """One sender, with the secret that proves it and the names by which it calls our services and environments."""

    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=choices())
    sealed_secret = models.TextField(editable=False)
    sealed_previous = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField("earlier secret until", null=True, blank=True)
    services = models.JSONField(default=dict, blank=True, help_text="Sender's name: our service.")
    environments = models.JSONField(default=dict, blank=True, help_text="Sender's name: our environment.")
    service = TenantForeignKey(
        "trains.Service", related_name="+", null=True, blank=True, help_text="Where the sender names none."
    )
    environment = TenantForeignKey("trains.Environment", related_name="+", null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["sealed_secret", "sealed_previous"])

    never_logged = ("sealed_secret", "sealed_previous")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="event_source_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class InboundEvent(TenantModel):
    """One event as it came. Its text never changes; what was made of it does, when it is tried or replayed."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        DONE = "done", "Acted upon"
        KEPT = "kept", "Kept"
        DEAD = "dead_letter", "Dead letter"

    source = TenantForeignKey(EventSource, related_name="events")
    event_id = models.CharField("id at the sender", max_length=400)
    type = models.CharField(max_length=200)
    origin = models.CharField(max_length=300, blank=True)
    thread = models.CharField(max_length=100, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField("received", default=now)
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    outcome = models.CharField(max_length=500, blank=True)
    made = models.JSONField(default=list, blank=True, help_text="What it was acted upon: kinds and ids.")
    attempts = models.PositiveSmallIntegerField(default=0)
    replays = models.PositiveSmallIntegerField(default=0)
    acted_at = models.DateTimeField("acted upon", null=True, blank=True)

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "source", "event_id"], name="inbound_event_once"),
            models.CheckConstraint(
                condition=Q(state__in=["received", "done", "kept", "dead_letter"]),
                name="inbound_event_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="received") | Q(due_at__isnull=False), name="inbound_event_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-received_at", "-id"], name="inbound_event_recent"),
            models.Index(
                fields=["organization", "due_at"], condition=Q(state="received"), name="inbound_event_due"
            ),
            models.Index(
                fields=["organization", "source", "-received_at"],
                condition=Q(state="dead_letter"),
                name="inbound_event_dead",
            ),
            models.Index(
                fields=["organization", "source", "thread"],
                condition=~Q(thread=""),
                name="inbound_event_thread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.received_at:%Y-%m-%d %H:%M}"
