"""What one train needs from another."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .release import Release
from .train import Train


class TrainDependency(TenantModel):
    """The consumer train needs something of the provider train by a day."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        AGREED = "agreed", "Agreed"
        AT_RISK = "at_risk", "At risk"
        MET = "met", "Met"
        BROKEN = "broken", "Broken"

    provider = TenantForeignKey(Train, related_name="provides")
    consumer = TenantForeignKey(Train, related_name="consumes")
    release = TenantForeignKey(Release, related_name="train_dependencies", null=True, blank=True)
    what = models.CharField(max_length=300)
    needed_by = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    provider_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who answers for the delivery.",
    )
    consumer_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who asked, and accepts the delivery.",
    )
    history = tracked()

    class Meta:
        verbose_name_plural = "train dependencies"
        ordering = ["needed_by", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(provider=F("consumer")), name="train_dependency_of_two"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "agreed", "at_risk", "met", "broken"]),
                name="train_dependency_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.what

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.provider_id)), ("train", str(self.consumer_id))]
