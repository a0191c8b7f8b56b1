"""How a train judges the strings of its program board."""

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class BoardPolicy(TenantModel):
    """What a train wants of its dependencies. A train without one wants the standard."""

    class SameIteration(models.TextChoices):
        CONFLICT = "conflict", "Conflict (red)"
        AT_RISK = "at_risk", "At risk (amber)"

    train = TenantForeignKey("trains.Train", related_name="board_policies")
    same_iteration = models.CharField(
        "delivery in the iteration that needs it",
        max_length=8,
        choices=SameIteration.choices,
        default=SameIteration.CONFLICT,
    )
    min_slack = models.PositiveSmallIntegerField("working days of slack wanted", default=0)
    history = tracked()

    class Meta:
        verbose_name_plural = "board policies"
        ordering = ["train"]
        constraints = [
            models.UniqueConstraint(fields=["train"], name="board_policy_once"),
            models.CheckConstraint(
                condition=Q(same_iteration__in=["conflict", "at_risk"]), name="board_policy_same_known"
            ),
            models.CheckConstraint(condition=Q(min_slack__lte=60), name="board_policy_slack_bounded"),
        ]

    def __str__(self) -> str:
        return f"Board policy of {self.train}"
