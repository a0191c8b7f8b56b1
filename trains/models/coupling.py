"""What ties one service to another: calls, shared data, changes made together, contracts."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .service import Service


class Coupling(TenantModel):
    """The source depends on the target in one way; where neither leads, the first by name is the source."""

    class Kind(models.TextChoices):
        CALLS = "calls", "Calls"
        SHARED_DATA = "shared_data", "Shared data"
        CO_CHANGE = "co_change", "Changes together"
        CONTRACT = "contract", "Contract"

    source = TenantForeignKey(Service, related_name="couplings_out")
    target = TenantForeignKey(Service, related_name="couplings_in")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    strength = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="How many: endpoints called, tables shared, changes made together, contracts kept.",
    )
    note = models.CharField(max_length=300, blank=True)
    origin = models.CharField(
        max_length=80, blank=True, help_text="The import that last said so; empty: by hand."
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was taken apart.")
    history = tracked()

    class Meta:
        ordering = ["source__name", "target__name", "kind"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "source", "target", "kind"],
                condition=Q(ended_at__isnull=True),
                name="coupling_once",
            ),
            models.CheckConstraint(condition=~Q(source=F("target")), name="coupling_of_two"),
            models.CheckConstraint(condition=Q(strength__gte=1), name="coupling_has_strength"),
            models.CheckConstraint(
                condition=Q(kind__in=["calls", "shared_data", "co_change", "contract"]),
                name="coupling_kind_known",
            ),
        ]
        indexes = [models.Index(fields=["organization", "target"], name="coupling_of_target")]

    def __str__(self) -> str:
        return f"{self.source} – {self.target}, {self.get_kind_display().lower()}"

    def scope_path(self) -> list[ScopeKey]:
        ends = (self.source.train_id, self.target.train_id)
        return [("train", str(each)) for each in dict.fromkeys(ends) if each]
