"""On-call rotations: layers of people who take turns, overrides, and notes at hand-over."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Service, service_scopes
from .train import Train

LONGEST_TURN = 28


class OnCallRotation(TenantModel):
    """Who answers for a train, a service or a platform. Times are by the wall clock of its zone."""

    name = models.CharField(max_length=120)
    train = TenantForeignKey(Train, related_name="rotations", null=True, blank=True)
    service = TenantForeignKey(Service, related_name="rotations", null=True, blank=True)
    platform = models.CharField(max_length=120, blank=True, help_text="E.g. messaging or identity.")
    time_zone = models.CharField(max_length=64)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="rotation_name_once"),
            models.CheckConstraint(
                condition=Q(train__isnull=False, service__isnull=True, platform="")
                | Q(train__isnull=True, service__isnull=False, platform="")
                | (Q(train__isnull=True, service__isnull=True) & ~Q(platform="")),
                name="rotation_is_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        if self.service_id:
            return service_scopes(self.service)
        return [("train", str(self.train_id))] if self.train_id else []


class OnCallLayer(TenantModel):
    """People who take turns. A later layer goes before an earlier one wherever it has somebody."""

    rotation = TenantForeignKey(OnCallRotation, related_name="layers")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80, blank=True)
    first_day = models.DateField()
    hand_over = models.TimeField("hand-over at")
    turn_days = models.PositiveSmallIntegerField(
        "days of a turn", default=7, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_TURN)]
    )
    # Empty: around the clock. Else only from one time of day up to, not including, the other, also over midnight.
    from_time = models.TimeField(null=True, blank=True)
    to_time = models.TimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["rotation", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "rotation", "number"],
                condition=Q(removed_at__isnull=True),
                name="on_call_layer_once",
            ),
            models.CheckConstraint(
                condition=Q(turn_days__gte=1, turn_days__lte=LONGEST_TURN), name="on_call_turn_length"
            ),
            models.CheckConstraint(
                condition=Q(from_time__isnull=True, to_time__isnull=True)
                | (Q(from_time__isnull=False, to_time__isnull=False) & ~Q(from_time=F("to_time"))),
                name="on_call_hours_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"Layer {self.number}"

    def scope_path(self) -> list[ScopeKey]:
        return self.rotation.scope_path()


class OnCallTurn(TenantModel):
    """A person's place in the order of a layer."""

    layer = TenantForeignKey(OnCallLayer, related_name="turns")
    position = models.PositiveSmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    history = tracked()

    class Meta:
        ordering = ["layer", "position"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "layer", "position"], name="on_call_turn_once")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.user}"

    def scope_path(self) -> list[ScopeKey]:
        return self.layer.scope_path()


class OnCallOverride(TenantModel):
    """Somebody stands in from `starts` up to, not including, `ends`."""

    rotation = TenantForeignKey(OnCallRotation, related_name="overrides")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    external_id = models.CharField(
        max_length=255, blank=True, help_text="UID of the iCalendar event it came from."
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-starts", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends__gt=F("starts")), name="on_call_override_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["organization", "rotation", "external_id", "starts"],
                condition=~Q(external_id="") & Q(cancelled_at__isnull=True),
                name="on_call_override_imported_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "rotation", "starts"], name="on_call_override_by_start")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.starts:%Y-%m-%d %H:%M} UTC"

    def scope_path(self) -> list[ScopeKey]:
        return self.rotation.scope_path()


class HandOverNote(TenantModel):
    """What the next person must know."""

    append_only = True

    rotation = TenantForeignKey(OnCallRotation, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.text[:80]

    def scope_path(self) -> list[ScopeKey]:
        return self.rotation.scope_path()
