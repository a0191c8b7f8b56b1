"""Definition of Done: versions per train, additions per team, and the lines a feature has met."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .feature import scopes_of_feature


class DefinitionOfDone(TenantModel):
    """One version of what "done" means on a train; with a team, what that team asks on top of it."""

    append_only = True

    train = TenantForeignKey("trains.Train", related_name="definitions_of_done")
    team = TenantForeignKey("trains.Team", null=True, blank=True, related_name="definitions_of_done")
    number = models.PositiveIntegerField("version")
    note = models.TextField("why it was changed", blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "Definition of Done"
        verbose_name_plural = "Definitions of Done"
        ordering = ["train", "team", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["train", "team", "number"],
                name="definition_of_done_number_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="definition_of_done_number_from_1"),
        ]

    def __str__(self) -> str:
        owner = self.team if self.team_id else self.train
        return f"Definition of Done of {owner}, version {self.number}"


class DoneLine(TenantModel):
    """One line of a Definition of Done."""

    append_only = True

    definition = TenantForeignKey(DefinitionOfDone, related_name="lines")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=200)

    class Meta:
        ordering = ["definition", "position"]
        constraints = [
            models.UniqueConstraint(fields=["definition", "position"], name="done_line_position_once"),
            models.UniqueConstraint(fields=["definition", "text"], name="done_line_text_once"),
        ]

    def __str__(self) -> str:
        return self.text

    def scope_path(self) -> list[ScopeKey]:
        definition = self.definition
        team = [("team", str(definition.team_id))] if definition.team_id else []
        return [*team, ("train", str(definition.train_id))]


class DoneMark(TenantModel):
    """Who said when that a feature meets a line, and by what it shows."""

    feature = TenantForeignKey("planning.Feature", related_name="done_marks")
    line = TenantForeignKey(DoneLine, related_name="marks")
    text = models.CharField("line", max_length=200)
    evidence = models.CharField(max_length=500, blank=True)
    marked_at = models.DateTimeField()
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["marked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature", "text"], condition=Q(withdrawn_at__isnull=True), name="done_mark_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature}: {self.text}"

    def scope_path(self) -> list[ScopeKey]:
        return scopes_of_feature(self.feature)
