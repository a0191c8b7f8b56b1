"""What went wrong with a dependency, and why: the rows that bottlenecks are counted from."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from planning.states import TroubleCause
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class DependencyTrouble(TenantModel):
    """One dependency that came late or not at all, with the service it was about and the cause that was found."""

    dependency = TenantForeignKey("planning.FeatureDependency", related_name="troubles")
    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="dependency_troubles", verbose_name="Program Increment"
    )
    service = TenantForeignKey("trains.Service", null=True, blank=True, related_name="dependency_troubles")
    cause = models.CharField(max_length=12, choices=TroubleCause.choices)
    days_late = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    history = tracked()

    class Meta:
        verbose_name = "trouble with a dependency"
        verbose_name_plural = "troubles with dependencies"
        ordering = ["-recorded_at"]
        constraints = [
            models.UniqueConstraint(fields=["dependency"], name="dependency_trouble_once"),
            models.CheckConstraint(condition=Q(cause__in=TroubleCause.values), name="trouble_cause_known"),
        ]
        indexes = [models.Index(fields=["organization", "pi"], name="dependency_trouble_of_pi")]

    def __str__(self) -> str:
        return f"{self.dependency}: {self.get_cause_display()}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.pi.train_id))]
