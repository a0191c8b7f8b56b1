"""The planning event of a Program Increment: agenda, shared timer, rooms, who takes part, parking lot."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


def join_code() -> str:
    """The secret part of the link by which people join."""
    return secrets.token_urlsafe(16)


class SlotKind(models.TextChoices):
    """What a part of the agenda is for."""

    BUSINESS_CONTEXT = "business_context", "Business context"
    VISION = "vision", "Product vision"
    ARCHITECTURE = "architecture", "Architecture vision"
    CONTEXT = "context", "Planning context"
    BREAKOUT = "breakout", "Team breakouts"
    DRAFT_REVIEW = "draft_review", "Draft plan review"
    MANAGEMENT_REVIEW = "management_review", "Management review"
    ADJUSTMENTS = "adjustments", "Planning adjustments"
    FINAL_REVIEW = "final_review", "Final plan review"
    RISKS = "risks", "Train risks (ROAM)"
    CONFIDENCE = "confidence", "Confidence vote"
    REWORK = "rework", "Plan rework"
    RETROSPECTIVE = "retrospective", "Planning retrospective"
    PAUSE = "pause", "Break"
    OTHER = "other", "Other"


class _OfEvent(TenantModel):
    """A part of an event: rights over it are the train's."""

    class Meta:
        abstract = True

    def scope_path(self) -> list[ScopeKey]:
        return self.event.scope_path()  # type: ignore[attr-defined,no-any-return]


class PlanningEvent(KeyedModel):
    """One gathering that plans a Program Increment. Its timer is the server's: everybody sees the same."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        RUNNING = "running", "Running"
        ENDED = "ended", "Ended"

    key_prefix = "PIE"

    pi = TenantForeignKey("trains.ProgramIncrement", related_name="events", verbose_name="Program Increment")
    title = models.CharField(max_length=160)
    time_zone = models.CharField(max_length=64, default="UTC")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    place = models.CharField(max_length=200, blank=True)
    link = models.URLField("meeting link", max_length=500, blank=True)
    agreements = models.TextField("working agreements", blank=True)
    code = models.CharField(max_length=40, default=join_code, editable=False)
    current = TenantForeignKey(
        "planning.EventSlot", related_name="+", null=True, blank=True, verbose_name="current slot"
    )
    ticking_since = models.DateTimeField("timer runs since", null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["code"])

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name = "planning event"
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["planned", "running", "ended"]), name="planning_event_state_known"
            ),
            models.CheckConstraint(
                condition=Q(ticking_since__isnull=True) | Q(current__isnull=False),
                name="planning_event_timer_of_a_slot",
            ),
        ]

    def scope_path(self) -> list[ScopeKey]:
        return [("planningevent", str(self.pk)), ("train", str(self.pi.train_id))]


class EventSlot(_OfEvent):
    """A time-boxed part of the agenda. `used` are the seconds it ran before the timer was last stopped."""

    class State(models.TextChoices):
        PENDING = "pending", "To come"
        CURRENT = "current", "Now"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"

    event = TenantForeignKey(PlanningEvent, related_name="slots")
    kind = models.CharField(max_length=20, choices=SlotKind.choices, default=SlotKind.OTHER)
    title = models.CharField(max_length=120)
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    room = models.CharField(max_length=120, blank=True)
    link = models.URLField(max_length=500, blank=True)
    lead = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.TextField("outcome", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    began_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    used = models.PositiveIntegerField("seconds used", default=0)
    extra_minutes = models.PositiveSmallIntegerField(default=0)
    history = tracked()

    class Meta:
        verbose_name = "agenda slot"
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SlotKind.values), name="event_slot_kind_known"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "current", "done", "skipped"]),
                name="event_slot_state_known",
            ),
            models.CheckConstraint(condition=Q(minutes__range=(1, 600)), name="event_slot_minutes_sane"),
            models.UniqueConstraint(
                fields=["event"], condition=Q(state="current"), name="event_slot_one_current"
            ),
        ]
        indexes = [models.Index(fields=["organization", "event", "starts_at"], name="event_slot_agenda")]

    def __str__(self) -> str:
        return self.title

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def box(self) -> int:
        """The seconds this slot may take, with what was added."""
        return (self.minutes + self.extra_minutes) * 60


class EventRoom(_OfEvent):
    """Where a team or the whole train meets, in a building and online."""

    event = TenantForeignKey(PlanningEvent, related_name="rooms")
    name = models.CharField(max_length=120)
    team = TenantForeignKey("trains.Team", related_name="+", null=True, blank=True)
    place = models.CharField(max_length=200, blank=True)
    link = models.URLField(max_length=500, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["event", "name"], name="event_room_name_once"),
            models.CheckConstraint(condition=~Q(place="", link=""), name="event_room_somewhere"),
        ]

    def __str__(self) -> str:
        return self.name


class EventAttendee(_OfEvent):
    """Somebody who takes part, in the room or from afar."""

    class Presence(models.TextChoices):
        ROOM = "room", "In the room"
        REMOTE = "remote", "Remote"

    event = TenantForeignKey(PlanningEvent, related_name="attendees")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    team = TenantForeignKey("trains.Team", related_name="+", null=True, blank=True)
    presence = models.CharField(max_length=10, choices=Presence.choices, default=Presence.REMOTE)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["joined_at"]
        constraints = [
            models.UniqueConstraint(fields=["event", "user"], name="event_attendee_once"),
            models.CheckConstraint(
                condition=Q(presence__in=["room", "remote"]), name="event_attendee_presence_known"
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class ParkingItem(_OfEvent):
    """Something worth talking about, but not now."""

    class State(models.TextChoices):
        PARKED = "parked", "Parked"
        SETTLED = "settled", "Settled"

    event = TenantForeignKey(PlanningEvent, related_name="parking")
    text = models.CharField(max_length=300)
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PARKED)
    outcome = models.CharField(max_length=300, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["parked", "settled"]), name="parking_item_state_known"
            )
        ]

    def __str__(self) -> str:
        return self.text
