"""Capacity: what a team can take on in an iteration, and the buffer it keeps back."""

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class TeamCapacity(TenantModel):
    """Points of a team in an iteration; the plan may use them without the buffer."""

    team = TenantForeignKey("trains.Team", related_name="capacities")
    iteration = TenantForeignKey("trains.Iteration", related_name="capacities")
    points = models.PositiveSmallIntegerField()
    buffer = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True)
    reason = models.CharField("why it departs from the rule", max_length=300, blank=True)
    basis = models.JSONField("how it was computed", default=dict)
    history = tracked()

    class Meta:
        verbose_name_plural = "team capacities"
        ordering = ["iteration", "team"]
        constraints = [
            models.UniqueConstraint(fields=["team", "iteration"], name="team_capacity_once"),
            models.CheckConstraint(condition=Q(buffer__lte=F("points")), name="team_capacity_buffer_within"),
        ]

    def __str__(self) -> str:
        return f"{self.team} in {self.iteration}"

    @property
    def plannable(self) -> int:
        return self.points - self.buffer

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]
