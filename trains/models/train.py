"""Release trains and the teams aboard."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class Train(KeyedModel):
    """Teams that plan and release together, in one cadence. Its key is the short code people use."""

    key_prefix = "ART"

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    pi_weeks = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(26)]
    )
    iteration_weeks = models.PositiveSmallIntegerField(
        default=2, validators=[MinValueValidator(1), MaxValueValidator(8)]
    )
    ip_iteration = models.BooleanField(
        "innovation and planning iteration",
        default=True,
        help_text="The last iteration of a PI is for innovation and planning.",
    )
    cadence_start = models.DateField(help_text="First day of the first Program Increment.")
    version_scheme = models.CharField(
        max_length=40, default="semver", help_text="semver, or a calendar scheme such as YYYY.0M.MICRO."
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["key"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(pi_weeks__gte=models.F("iteration_weeks"), iteration_weeks__gte=1),
                name="train_cadence_fits",
            ),
        ]


class Team(TenantModel):
    """A team of a train."""

    train = TenantForeignKey(Train, related_name="teams")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    people = models.PositiveSmallIntegerField(default=0)
    time_zone = models.CharField(max_length=64, default="UTC")
    history = tracked()

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["organization", "code"], name="team_code_once")]

    def __str__(self) -> str:
        return self.name
