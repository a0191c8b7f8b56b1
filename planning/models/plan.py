"""The plan of a Program Increment: objectives, confidence vote, and the baseline it was committed with."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class PlanBaseline(TenantModel):
    """What was committed, word for word; later moves are measured against it."""

    append_only = True

    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="baselines", verbose_name="Program Increment"
    )
    committed_at = models.DateTimeField()
    committed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    content = models.JSONField()
    digest = models.CharField(max_length=80)
    accepted = models.JSONField("accepted findings", default=list)
    reason = models.TextField("why they were accepted", blank=True)

    class Meta:
        ordering = ["-committed_at"]

    def __str__(self) -> str:
        return f"Baseline of {self.pi}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.pi.train_id))]


class Objective(TenantModel):
    """What a team promises for the Program Increment, with its business value 1–10."""

    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="objectives", verbose_name="Program Increment"
    )
    team = TenantForeignKey("trains.Team", related_name="objectives")
    title = models.CharField(max_length=200)
    planned_value = models.PositiveSmallIntegerField()
    actual_value = models.PositiveSmallIntegerField(null=True, blank=True)
    uncommitted = models.BooleanField(default=False)
    history = tracked()

    class Meta:
        ordering = ["team", "uncommitted", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(planned_value__range=(1, 10)), name="objective_planned_1_to_10"
            ),
            models.CheckConstraint(
                condition=Q(actual_value__isnull=True) | Q(actual_value__range=(0, 10)),
                name="objective_actual_0_to_10",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.pi.train_id))]


class ConfidenceVote(TenantModel):
    """Fist of five: how confident one person is that the objectives will be met."""

    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="confidence_votes", verbose_name="Program Increment"
    )
    round = TenantForeignKey(
        "planning.ConfidenceRound",
        related_name="votes",
        null=True,
        blank=True,
        help_text="None: a show of hands before any round was opened.",
    )
    voter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    fingers = models.PositiveSmallIntegerField()
    comment = models.CharField(max_length=300, blank=True)
    voted_at = models.DateTimeField()
    history = tracked()

    class Meta:
        ordering = ["voted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["pi", "voter"], condition=Q(round__isnull=True), name="confidence_hand_once"
            ),
            models.UniqueConstraint(fields=["round", "voter"], name="confidence_vote_of_round_once"),
            models.CheckConstraint(condition=Q(fingers__range=(1, 5)), name="confidence_vote_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.voter}: {self.fingers}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.pi.train_id))]
