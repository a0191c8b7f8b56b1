"""Releases: their scope, their artifacts and their state."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .artifact import Artifact
from .increment import ProgramIncrement
from .service import TIERS, Service
from .train import Train


class Classification(models.TextChoices):
    """What kind of change a release or one of its items is."""

    FEATURE = "feature", "Feature"
    PROBLEM_FIX = "problem_fix", "Problem fix"
    INFRASTRUCTURE = "infrastructure", "Infrastructure"
    HOTFIX = "hotfix", "Hotfix"


class Release(KeyedModel):
    """A version of a train's services that is approved and deployed as one."""

    key_prefix = "REL"

    class State(models.TextChoices):
        PLANNING = "planning", "Planning"
        SCOPED = "scoped", "Scoped"
        FROZEN = "frozen", "Frozen"
        READY = "ready", "Ready"
        APPROVED = "approved", "Approved"
        DEPLOYING = "deploying", "Deploying"
        RELEASED = "released", "Released"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"
        ROLLED_BACK = "rolled_back", "Rolled back"

    train = TenantForeignKey(Train, related_name="releases")
    pi = TenantForeignKey(
        ProgramIncrement, related_name="releases", null=True, blank=True, verbose_name="Program Increment"
    )
    version = models.CharField(max_length=80)
    name = models.CharField(max_length=120, blank=True)
    classification = models.CharField(
        max_length=16, choices=Classification.choices, default=Classification.FEATURE
    )
    tier = models.PositiveSmallIntegerField(
        "risk tier", choices=TIERS, default=3, validators=[MinValueValidator(1), MaxValueValidator(4)]
    )
    impact = models.TextField("business impact", blank=True)
    target_at = models.DateTimeField("target", null=True, blank=True)
    scope_freeze_at = models.DateTimeField("scope freeze", null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNING)
    frozen_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    owner = TenantForeignKey(
        "trains.Team",
        related_name="owned_releases",
        null=True,
        blank=True,
        verbose_name="owning team",
    )
    rollback_plan = models.TextField(blank=True)
    success_criteria = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "train", "version"],
                condition=~Q(state="cancelled"),
                name="release_version_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "planning",
                        "scoped",
                        "frozen",
                        "ready",
                        "approved",
                        "deploying",
                        "released",
                        "closed",
                        "cancelled",
                        "rolled_back",
                    ]
                ),
                name="release_state_known",
            ),
            models.CheckConstraint(
                condition=Q(classification__in=["feature", "problem_fix", "infrastructure", "hotfix"]),
                name="release_classification_known",
            ),
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=4), name="release_tier_known"),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "target_at"], name="release_by_state"),
            models.Index(fields=["organization", "target_at"], name="release_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"{self.version} {self.name}".strip()

    @property
    def is_open(self) -> bool:
        return self.state not in (self.State.CLOSED, self.State.CANCELLED, self.State.ROLLED_BACK)


class ScopeItem(TenantModel):
    """One thing a release delivers. An item that came in after the scope freeze carries its cause."""

    release = TenantForeignKey(Release, related_name="items")
    source_kind = models.CharField(
        max_length=40, blank=True, help_text="What it was in planning, e.g. feature or problem."
    )
    source_id = models.UUIDField(null=True, blank=True)
    source_key = models.CharField(max_length=40, blank=True)
    title = models.CharField(max_length=200)
    classification = models.CharField(
        max_length=16, choices=Classification.choices, default=Classification.FEATURE
    )
    tier = models.PositiveSmallIntegerField("risk tier", choices=TIERS, default=3)
    removed_at = models.DateTimeField(null=True, blank=True)
    after_freeze = models.BooleanField("changed after the scope freeze", default=False)
    cause = models.TextField(blank=True)
    authority = models.CharField(
        max_length=40, blank=True, help_text="The emergency change that let it in after the freeze."
    )
    canary = models.BooleanField(
        "canary marker", default=False, help_text="It reaches production only on a staged path."
    )
    canary_reason = models.CharField("why it carries the marker", max_length=500, blank=True, default="")
    canary_lifted_at = models.DateTimeField("marker lifted", null=True, blank=True)
    canary_lifted_by = models.CharField("marker lifted by", max_length=200, blank=True, default="")
    canary_lift_reason = models.TextField("why the marker was lifted", blank=True, default="")
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "release", "source_kind", "source_id"],
                condition=Q(removed_at__isnull=True, source_id__isnull=False),
                name="scope_item_once",
            ),
            models.CheckConstraint(
                condition=Q(after_freeze=False) | ~Q(cause=""), name="scope_item_after_freeze_has_cause"
            ),
            models.CheckConstraint(
                condition=Q(classification__in=["feature", "problem_fix", "infrastructure", "hotfix"]),
                name="scope_item_classification_known",
            ),
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=4), name="scope_item_tier_known"),
        ]
        indexes = [
            models.Index(fields=["organization", "source_kind", "source_id"], name="scope_item_source")
        ]

    def __str__(self) -> str:
        return f"{self.source_key} {self.title}".strip()

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]


class ReleaseArtifact(TenantModel):
    """The build of one service that a release carries."""

    release = TenantForeignKey(Release, related_name="artifacts")
    artifact = TenantForeignKey(Artifact, related_name="releases")
    # Repeats artifact.service so that the database can hold one build per service.
    service = TenantForeignKey(Service, related_name="release_artifacts")
    history = tracked()

    class Meta:
        ordering = ["service__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "release", "service"], name="release_artifact_per_service"
            )
        ]

    def __str__(self) -> str:
        return f"{self.artifact} in {self.release}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]
