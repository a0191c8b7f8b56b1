"""Trade-off decisions: the options that were weighed, what was chosen and why, and the items it moved."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class TradeOffState(models.TextChoices):
    """Where a decision stands."""

    OPEN = "open", "Open"
    DECIDED = "decided", "Decided"
    REVIEWED = "reviewed", "Reviewed"


class TradeOff(KeyedModel):
    """A decision between options, e.g. stability against velocity."""

    key_prefix = "TRD"

    train = TenantForeignKey("trains.Train", related_name="trade_offs")
    title = models.CharField(max_length=200)
    question = models.TextField(blank=True)
    criteria = models.JSONField(default=list)
    options = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=TradeOffState.choices, default=TradeOffState.OPEN)
    decision = models.CharField("chosen option", max_length=120, blank=True)
    rationale = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    review_on = models.DateField("to be reviewed on", null=True, blank=True)
    outcome = models.TextField("what became of it", blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name = "trade-off"
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(state__in=TradeOffState.values), name="trade_off_state_known"),
            models.CheckConstraint(
                condition=Q(state="open")
                | (
                    ~Q(decision="")
                    & ~Q(rationale="")
                    & Q(decided_at__isnull=False)
                    & Q(review_on__isnull=False)
                ),
                name="trade_off_decided_whole",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "review_on"], name="trade_off_due")]

    def __str__(self) -> str:
        return self.key


class TradeOffEffect(models.TextChoices):
    """What a decision does to an item."""

    ACCELERATED = "accelerated", "Accelerated"
    DEFERRED = "deferred", "Deferred"
    CONCERNED = "concerned", "Concerned"


class TradeOffItem(TenantModel):
    """A feature that a trade-off is about, and what the decision does to it."""

    trade_off = TenantForeignKey("planning.TradeOff", related_name="items")
    feature = TenantForeignKey("planning.Feature", related_name="trade_offs")
    effect = models.CharField(max_length=12, choices=TradeOffEffect.choices, default=TradeOffEffect.CONCERNED)
    history = tracked()

    class Meta:
        ordering = ["effect", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["trade_off", "feature"], name="trade_off_item_once"),
            models.CheckConstraint(
                condition=Q(effect__in=TradeOffEffect.values), name="trade_off_effect_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} in {self.trade_off}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.trade_off.train_id))]
