"""Where capacity goes: investment buckets with their shares of a Program Increment, and demand on it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class InvestmentBucket(TenantModel):
    """What capacity is spent on, e.g. new features or technical debt. Features of its kinds fall into it."""

    train = TenantForeignKey("trains.Train", related_name="buckets")
    name = models.CharField(max_length=80)
    kinds = models.JSONField("kinds of feature", default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=1)
    history = tracked()

    class Meta:
        ordering = ["train", "position", "name"]
        constraints = [models.UniqueConstraint(fields=["train", "name"], name="bucket_name_once")]

    def __str__(self) -> str:
        return self.name


class BucketShare(TenantModel):
    """The share of a Program Increment's capacity that a bucket is to get."""

    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="bucket_shares", verbose_name="Program Increment"
    )
    bucket = TenantForeignKey("planning.InvestmentBucket", related_name="shares")
    percent = models.PositiveSmallIntegerField("target share in percent")
    history = tracked()

    class Meta:
        ordering = ["bucket"]
        constraints = [
            models.UniqueConstraint(fields=["pi", "bucket"], name="bucket_share_once"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="bucket_share_to_100"),
        ]

    def __str__(self) -> str:
        return f"{self.bucket}: {self.percent} %"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.pi.train_id))]


class DemandState(models.TextChoices):
    """What became of a demand."""

    NEW = "new", "New"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"


class Demand(KeyedModel):
    """What a portfolio asks of a train, as a portfolio tool knows it; accepted, it becomes a feature."""

    key_prefix = "DEM"

    train = TenantForeignKey("trains.Train", related_name="demands")
    external_id = models.CharField("external id", max_length=120)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    requester = models.CharField(max_length=120, blank=True)
    bucket = TenantForeignKey("planning.InvestmentBucket", null=True, blank=True, related_name="demands")
    points = models.PositiveSmallIntegerField("points asked for", null=True, blank=True)
    wanted_by = models.DateField(null=True, blank=True)
    url = models.CharField("address", max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=DemandState.choices, default=DemandState.NEW)
    reason = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    feature = TenantForeignKey("planning.Feature", null=True, blank=True, related_name="demands")
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(fields=["train", "external_id"], name="demand_external_id_once"),
            models.CheckConstraint(condition=Q(state__in=DemandState.values), name="demand_state_known"),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(reason=""), name="demand_declined_with_reason"
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(feature__isnull=False), name="demand_accepted_as_feature"
            ),
        ]
        indexes = [models.Index(fields=["organization", "train", "state"], name="demand_of_train")]

    def __str__(self) -> str:
        return self.key
