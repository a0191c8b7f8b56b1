"""Themes: the goals that features serve."""

from django.db import models

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class Theme(TenantModel):
    """A goal of a train, e.g. from the quarter's objectives."""

    train = TenantForeignKey("trains.Train", related_name="themes")
    name = models.CharField(max_length=120)
    goal = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["train", "name"], name="theme_name_once")]

    def __str__(self) -> str:
        return self.name
