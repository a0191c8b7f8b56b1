"""Configuration items, how they hang together, what scanners saw of them, and the sets that were frozen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .platform import SharedPlatform
from .release import Release
from .service import TIERS, Environment, Service, service_scopes
from .train import Team
from .vocabulary import known


class ItemKind(models.TextChoices):
    """What sort of thing an item is."""

    BUSINESS_SERVICE = "business_service", "Business service"
    APPLICATION = "application", "Application"
    DATABASE = "database", "Database"
    MIDDLEWARE = "middleware", "Middleware"
    SERVER = "server", "Server"
    CONTAINER = "container", "Container or cluster"
    NETWORK = "network", "Network"
    STORAGE = "storage", "Storage"
    ENVIRONMENT = "environment", "Environment"
    DOCUMENT = "document", "Document"
    OTHER = "other", "Other"


class ItemState(models.TextChoices):
    """Where an item is in its life."""

    PLANNED = "planned", "Planned"
    IN_USE = "in_use", "In use"
    MAINTENANCE = "maintenance", "In maintenance"
    RETIRED = "retired", "Retired"


class RelationKind(models.TextChoices):
    """How one item hangs on another."""

    DEPENDS_ON = "depends_on", "depends on"
    RUNS_ON = "runs_on", "runs on"
    CONTAINS = "contains", "contains"
    CONNECTS_TO = "connects_to", "connects to"
    PROVIDES = "provides", "provides for"


class ConfigurationItem(KeyedModel):
    """Something under configuration management: its identity, who answers for it, and how it should be."""

    key_prefix = "CI"

    Kind = ItemKind
    State = ItemState

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    version = models.CharField("version that should run", max_length=120, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.IN_USE)
    criticality = models.PositiveSmallIntegerField(choices=TIERS, default=3)
    regulated = models.BooleanField(default=False)
    team = TenantForeignKey(Team, related_name="configuration_items", null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The person who answers for it.",
    )
    service = TenantForeignKey(Service, related_name="configuration_items", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="configuration_items", null=True, blank=True)
    platform = TenantForeignKey(SharedPlatform, related_name="configuration_items", null=True, blank=True)
    expected = models.JSONField("how it should be", default=dict, blank=True)
    expected_digest = models.CharField(max_length=71, blank=True, editable=False)
    source = models.CharField(max_length=80, blank=True, help_text="The system that it was imported from.")
    external_id = models.CharField("id at the source", max_length=200, blank=True)
    external_class = models.CharField("class at the source", max_length=80, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["key"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("kind", "configuration_item_kind_known", ItemKind),
            known("state", "configuration_item_state_known", ItemState),
            models.CheckConstraint(
                condition=Q(criticality__gte=1, criticality__lte=4), name="configuration_item_criticality"
            ),
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"],
                condition=~Q(external_id=""),
                name="configuration_item_source_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "service"], name="configuration_item_of_service"),
            models.Index(fields=["organization", "name"], name="configuration_item_by_name"),
            models.Index(fields=["organization", "kind", "criticality"], name="configuration_item_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return self.name

    def should_be(self) -> dict[str, Any]:
        """How it should be, version included: what observed states are compared with."""
        return {**({"version": self.version} if self.version else {}), **self.expected}

    def prepare_save(self) -> None:
        """The digest follows what should be."""
        super().prepare_save()
        self.expected_digest = digest(self.should_be())

    def scope_path(self) -> list[ScopeKey]:
        if self.service is not None:
            return service_scopes(self.service)
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))] if self.team else []


class ConfigurationRelation(TenantModel):
    """How one configuration item hangs on another, read from source to target: A depends on B."""

    Kind = RelationKind

    source = TenantForeignKey(ConfigurationItem, related_name="relations_out")
    target = TenantForeignKey(ConfigurationItem, related_name="relations_in")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    origin = models.CharField(
        max_length=80, blank=True, help_text="The import that last said so; empty: by hand."
    )
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["source__key", "kind", "target__key"]
        constraints = [
            known("kind", "configuration_relation_kind_known", RelationKind),
            models.CheckConstraint(condition=~Q(source=F("target")), name="configuration_relation_of_two"),
            models.UniqueConstraint(
                fields=["organization", "source", "target", "kind"],
                condition=Q(ended_at__isnull=True),
                name="configuration_relation_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "target"], name="configuration_relation_to"),
            models.Index(fields=["organization", "source"], name="configuration_relation_from"),
        ]

    def __str__(self) -> str:
        return f"{self.source.name} {self.get_kind_display()} {self.target.name}"

    def scope_path(self) -> list[ScopeKey]:
        return self.source.scope_path()


class ConfigurationObservation(TenantModel):
    """What a scanner saw last of one thing: an item, or something that no item stands for."""

    item = TenantForeignKey(ConfigurationItem, related_name="observations", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="observations", null=True, blank=True)
    source = models.CharField("scanner", max_length=80)
    external_id = models.CharField("id at the scanner", max_length=200)
    name = models.CharField(max_length=200, blank=True)
    present = models.BooleanField(default=True)
    state = models.JSONField("how it is", default=dict, blank=True)
    digest = models.CharField(max_length=71, editable=False)
    observed_at = models.DateTimeField()

    class Meta:
        ordering = ["-observed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"], name="configuration_observation_once"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "item", "-observed_at"], name="observation_of_item"),
            models.Index(fields=["organization", "-observed_at"], name="observation_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.external_id} as {self.source} saw it"

    def scope_path(self) -> list[ScopeKey]:
        return self.item.scope_path() if self.item else []


class ConfigurationBaseline(KeyedModel):
    """A set of configuration items as they should be at one moment, frozen: it never changes."""

    key_prefix = "BASE"
    append_only = True

    name = models.CharField(max_length=200)
    release = TenantForeignKey(Release, related_name="baselines", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="baselines", null=True, blank=True)
    content = models.JSONField(help_text="Items, relations and deployment units as they were frozen.")
    content_digest = models.CharField("digest", max_length=71)
    units = models.JSONField("deployment units", default=list, help_text="Digests of the builds in it.")
    items = models.PositiveIntegerField()
    frozen_at = models.DateTimeField()
    frozen_by = models.CharField(max_length=200)
    reason = models.TextField(blank=True)

    class Meta(KeyedModel.Meta):
        ordering = ["-frozen_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(items__gte=1), name="configuration_baseline_holds_items"),
        ]
        indexes = [
            models.Index(fields=["organization", "release", "-frozen_at"], name="baseline_of_release"),
            GinIndex(fields=["units"], name="baseline_units"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))] if self.release else []


class ToleratedDifference(TenantModel):
    """One exact difference that somebody accepts for a while, with the reason; any other difference is a new one."""

    item = TenantForeignKey(ConfigurationItem, related_name="tolerated_differences", null=True, blank=True)
    release = TenantForeignKey(
        Release,
        related_name="tolerated_differences",
        null=True,
        blank=True,
        help_text="Empty: a drift of what runs, whatever the release.",
    )
    environment = TenantForeignKey(
        Environment,
        related_name="tolerated_differences",
        null=True,
        blank=True,
        help_text="Of two environments that are compared.",
    )
    compared_with = TenantForeignKey(Environment, related_name="+", null=True, blank=True)
    fingerprint = models.CharField(max_length=71)
    sentence = models.TextField("difference")
    reason = models.TextField()
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField("tolerated until")
    ended_at = models.DateTimeField("ended early", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["-accepted_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("accepted_at")), name="tolerated_difference_ends"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="tolerated_difference_has_reason"),
            models.CheckConstraint(
                condition=Q(environment__isnull=True, compared_with__isnull=True)
                | (
                    Q(environment__isnull=False, compared_with__isnull=False)
                    & ~Q(environment=F("compared_with"))
                ),
                name="tolerated_difference_of_two_environments",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "fingerprint", "-expires_at"], name="tolerated_difference_of"
            )
        ]

    def __str__(self) -> str:
        return self.sentence

    def in_force(self, at: datetime) -> bool:
        """Whether it is tolerated at this moment."""
        return self.ended_at is None and self.expires_at > at

    def scope_path(self) -> list[ScopeKey]:
        if self.release is not None:
            return [("train", str(self.release.train_id))]
        if self.environment is not None and self.environment.train_id:
            return [("train", str(self.environment.train_id))]
        return self.item.scope_path() if self.item else []
