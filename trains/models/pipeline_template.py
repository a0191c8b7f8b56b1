"""Templates of pipelines: the stages that a service's pipeline has to have, version by version."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.tenancy.models import TenantModel


class Forge(models.TextChoices):
    """What runs the pipelines."""

    GITHUB = "github", "GitHub Actions"
    GITLAB = "gitlab", "GitLab CI"
    JENKINS = "jenkins", "Jenkins"


class PipelineTemplate(TenantModel):
    """One version of a template. It never changes; another version stands beside it."""

    append_only = True
    Forge = Forge

    name = models.CharField(max_length=80)
    number = models.PositiveSmallIntegerField("version")
    description = models.TextField(blank=True)
    stages = models.JSONField(
        help_text="In order: name, commands, reports, gate, and whether it may be missing."
    )
    branch = models.CharField(max_length=120, default="main", help_text="Pushes to it run the pipeline.")
    image = models.CharField(max_length=200, default="python:3.12", help_text="For runners that need one.")

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name", "number"], name="pipeline_template_version_once"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="pipeline_template_version_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def required(self) -> list[str]:
        """The stages that no pipeline may lack."""
        return [stage["name"] for stage in self.stages if stage["required"]]
