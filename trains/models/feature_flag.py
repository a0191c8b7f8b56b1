"""The register of feature flags across teams: whose, what for, on where, and until when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .release import Release, ScopeItem
from .service import Service, service_scopes
from .train import Team


class FeatureFlag(TenantModel):
    """A switch in running software. Its state per environment is what its provider reported last."""

    class Purpose(models.TextChoices):
        RELEASE = "release", "Release: new work is dark until it is switched on"
        EXPERIMENT = "experiment", "Experiment"
        OPERATIONS = "operations", "Operations: a switch for emergencies"
        PERMISSION = "permission", "Permission: on for some customers"

    name = models.CharField("key", max_length=200, help_text="As the code and the provider name it.")
    service = TenantForeignKey(Service, related_name="feature_flags", null=True, blank=True)
    team = TenantForeignKey(
        Team, related_name="feature_flags", null=True, blank=True, verbose_name="owning team"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.RELEASE)
    description = models.TextField("what it is for", blank=True)
    release = TenantForeignKey(Release, related_name="feature_flags", null=True, blank=True)
    item = TenantForeignKey(
        ScopeItem,
        related_name="feature_flags",
        null=True,
        blank=True,
        verbose_name="scope item",
        help_text="What is dark while the flag is off.",
    )
    requires = models.JSONField(default=list, blank=True, help_text="Flags that must be on where it is on.")
    excludes = models.JSONField(default=list, blank=True, help_text="Flags that must be off where it is on.")
    states = models.JSONField(
        default=dict,
        editable=False,
        help_text="By environment: on, share, variant, since when, by which report.",
    )
    remove_by = models.DateField("planned removal", null=True, blank=True)
    removed_at = models.DateTimeField("removed", null=True, blank=True)
    source = models.CharField("provider", max_length=80, blank=True)
    reported_at = models.DateTimeField("last report", null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name", "service"],
                condition=Q(removed_at__isnull=True),
                nulls_distinct=False,
                name="feature_flag_once",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["release", "experiment", "operations", "permission"]),
                name="feature_flag_purpose_known",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "removed_at", "remove_by"], name="feature_flag_by_removal"),
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        if self.service_id:
            return service_scopes(self.service)
        return [("train", str(self.release.train_id))] if self.release_id else []

    @property
    def is_permanent(self) -> bool:
        """Switches for operation and for permission stay; those for releases and experiments go."""
        return self.purpose in (self.Purpose.OPERATIONS, self.Purpose.PERMISSION)

    @property
    def standing(self) -> str:
        """Where it is on, as last reported."""
        on = [
            f"{said['environment']}" + ("" if said["share"] >= 100 else f" {said['share']:g} %")
            for said in self.states.values()
            if said["on"] and said["share"] > 0
        ]
        if on:
            return f"on in {', '.join(sorted(on))}"
        return "off" if self.states else "not reported"
