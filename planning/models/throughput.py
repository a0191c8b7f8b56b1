"""Throughput that was measured elsewhere: weeks before a train kept its features here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

MONDAY = 2


class ThroughputWeek(TenantModel):
    """Features that a team finished in one week, which begins on a Monday."""

    team = TenantForeignKey("trains.Team", related_name="throughput_weeks")
    week = models.DateField()
    features = models.PositiveSmallIntegerField()
    points = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=80)
    history = tracked()

    class Meta:
        verbose_name = "week of throughput"
        verbose_name_plural = "weeks of throughput"
        ordering = ["-week", "team"]
        constraints = [
            models.UniqueConstraint(fields=["team", "week"], name="throughput_week_once"),
            models.CheckConstraint(condition=Q(week__week_day=MONDAY), name="throughput_week_on_monday"),
        ]

    def __str__(self) -> str:
        return f"{self.team}, week of {self.week}"

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]
