"""Sign-offs: a person's own word about a release or a build, given or taken back, never changed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class SignOff(TenantModel):
    """One person's word on one topic, for exactly these builds; the latest of a person and topic counts."""

    class Choice(models.TextChoices):
        GIVEN = "given", "Signed off"
        WITHDRAWN = "withdrawn", "Withdrawn"

    append_only = True

    release = TenantForeignKey("trains.Release", related_name="sign_offs", null=True, blank=True)
    artifact = TenantForeignKey("trains.Artifact", related_name="sign_offs", null=True, blank=True)
    topic = models.CharField(max_length=80, help_text="What it is about; a gate's check names it.")
    choice = models.CharField(max_length=10, choices=Choice.choices, default=Choice.GIVEN)
    statement = models.TextField(help_text="What was looked at and found.")
    builds = models.CharField(max_length=71, editable=False, help_text="Digest over the builds it is about.")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-signed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(choice__in=["given", "withdrawn"]), name="sign_off_choice_known"
            ),
            models.CheckConstraint(condition=~Q(statement=""), name="sign_off_has_statement"),
            models.CheckConstraint(
                condition=Q(release__isnull=False, artifact__isnull=True)
                | Q(release__isnull=True, artifact__isnull=False),
                name="sign_off_one_subject",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "release", "topic", "-signed_at"], name="sign_off_of_release"
            ),
            models.Index(
                fields=["organization", "artifact", "topic", "-signed_at"], name="sign_off_of_build"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic}: {self.get_choice_display().lower()} by {self.signed_by}"

    @property
    def subject(self) -> Any:
        """The release or artifact it is about."""
        return self.release if self.release_id else self.artifact

    def scope_path(self) -> list[ScopeKey]:
        if self.release is not None:
            return [("release", str(self.release_id)), ("train", str(self.release.train_id))]
        assert self.artifact is not None  # the database holds that it is about one of them
        path: list[ScopeKey] = self.artifact.scope_path()
        return path
