"""Test strategy of a feature or a release: what is tested at which level, automated or not, by whom."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .feature import scopes_of_feature


class StrategyState(models.TextChoices):
    """Whether the quality owner has agreed."""

    DRAFT = "draft", "Draft"
    AGREED = "agreed", "Agreed"


class TestLevel(models.TextChoices):
    """At which level something is tested."""

    UNIT = "unit", "Unit"
    COMPONENT = "component", "Component"
    CONTRACT = "contract", "Contract"
    INTEGRATION = "integration", "Integration"
    SYSTEM = "system", "System, end to end"
    PERFORMANCE = "performance", "Performance"
    SECURITY = "security", "Security"
    ACCEPTANCE = "acceptance", "Acceptance"


class TestStrategy(TenantModel):
    """How one feature, or one release as a whole, is tested."""

    feature = TenantForeignKey("planning.Feature", null=True, blank=True, related_name="test_strategies")
    release = TenantForeignKey("trains.Release", null=True, blank=True, related_name="test_strategies")
    approach = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=StrategyState.choices, default=StrategyState.DRAFT)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    agreed_at = models.DateTimeField(null=True, blank=True)
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        verbose_name_plural = "test strategies"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(feature__isnull=False, release__isnull=True)
                | Q(feature__isnull=True, release__isnull=False),
                name="test_strategy_of_one",
            ),
            models.CheckConstraint(
                condition=Q(state__in=StrategyState.values), name="test_strategy_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=StrategyState.DRAFT) | Q(agreed_at__isnull=False),
                name="test_strategy_agreed_when",
            ),
            # The database, too, lets nobody agree what they wrote themselves.
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=models.F("written_by")),
                name="test_strategy_agreed_by_another",
            ),
            models.UniqueConstraint(fields=["feature"], name="test_strategy_feature_once"),
            models.UniqueConstraint(fields=["release"], name="test_strategy_release_once"),
        ]

    def __str__(self) -> str:
        return f"Test strategy of {self.subject}"

    @property
    def subject(self) -> models.Model:
        found = self.feature or self.release
        assert found is not None  # the database asks for one of both
        return found

    def scope_path(self) -> list[ScopeKey]:
        if self.feature is not None:
            return scopes_of_feature(self.feature)
        return [("train", str(self.release.train_id))] if self.release is not None else []


class TestStrategyLine(TenantModel):
    """What is tested at one level, whether a machine does it, by which team or person, and whether it stands."""

    strategy = TenantForeignKey(TestStrategy, related_name="lines")
    level = models.CharField(max_length=12, choices=TestLevel.choices)
    what = models.CharField(max_length=300)
    automated = models.BooleanField(default=True)
    team = TenantForeignKey("trains.Team", null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    in_place_at = models.DateTimeField("in place since", null=True, blank=True)
    evidence = models.CharField(max_length=500, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(level__in=TestLevel.values), name="test_strategy_line_level_known"
            ),
        ]
        indexes = [models.Index(fields=["organization", "strategy"], name="test_strategy_lines")]

    def __str__(self) -> str:
        return f"{self.get_level_display()}: {self.what}"

    def scope_path(self) -> list[ScopeKey]:
        return self.strategy.scope_path()
