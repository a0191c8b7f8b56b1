"""Quarterly goals, and the themes under which features serve them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class GoalKind(models.TextChoices):
    """What a quarterly goal is about."""

    REVENUE = "revenue", "Revenue"
    COMPLIANCE = "compliance", "Compliance"
    MARKET = "market", "Market"
    CUSTOMER = "customer", "Customer"
    COST = "cost", "Cost"
    RESILIENCE = "resilience", "Resilience"


class QuarterlyGoal(KeyedModel):
    """What a train is to reach in a quarter; themes carry it into the backlog."""

    key_prefix = "GOAL"

    train = TenantForeignKey("trains.Train", related_name="quarterly_goals")
    quarter = models.CharField(max_length=7)
    kind = models.CharField(max_length=12, choices=GoalKind.choices, default=GoalKind.MARKET)
    title = models.CharField(max_length=200)
    measure = models.CharField("how it is measured", max_length=300, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["-quarter", "title"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(fields=["train", "quarter", "title"], name="quarterly_goal_once"),
            models.CheckConstraint(condition=Q(kind__in=GoalKind.values), name="quarterly_goal_kind_known"),
            models.CheckConstraint(
                condition=Q(quarter__regex=r"^20[0-9]{2}-Q[1-4]$"), name="quarterly_goal_quarter"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Theme(TenantModel):
    """What features have in common: the part of a quarterly goal that they serve."""

    train = TenantForeignKey("trains.Train", related_name="themes")
    name = models.CharField(max_length=120)
    goal = models.TextField(blank=True)
    quarterly_goal = TenantForeignKey("planning.QuarterlyGoal", null=True, blank=True, related_name="themes")
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["train", "name"], name="theme_name_once")]

    def __str__(self) -> str:
        return self.name
