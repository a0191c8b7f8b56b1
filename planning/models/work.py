"""Stories and tasks of an iteration, and which of their fields a tracker keeps."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from planning.states import WorkState
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class WorkItem(KeyedModel):
    """A piece of work of a team in an iteration: planned in points or hours, done step by step."""

    class Kind(models.TextChoices):
        STORY = "story", "Story"
        TASK = "task", "Task"
        DEFECT = "defect", "Defect"
        SPIKE = "spike", "Spike"

    key_prefix = "WORK"

    team = TenantForeignKey("trains.Team", related_name="work_items")
    iteration = TenantForeignKey("trains.Iteration", null=True, blank=True, related_name="work_items")
    feature = TenantForeignKey("planning.Feature", null=True, blank=True, related_name="work_items")
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.STORY)
    state = models.CharField(max_length=12, choices=WorkState.choices, default=WorkState.TODO)
    points = models.PositiveSmallIntegerField(null=True, blank=True)
    estimate_hours = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    remaining_hours = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    spent_hours = models.DecimalField(max_digits=6, decimal_places=1, default=0)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    assignee_name = models.CharField(max_length=120, blank=True)
    added_on = models.DateField("in the iteration since", null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    blocked_reason = models.CharField(max_length=300, blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField("tracker", max_length=40, blank=True)
    external_id = models.CharField("external id", max_length=120, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name = "work item"
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(state__in=WorkState.values), name="work_item_state_known"),
            models.CheckConstraint(
                condition=Q(kind__in=["story", "task", "defect", "spike"]), name="work_item_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(estimate_hours__isnull=True) | Q(estimate_hours__gte=0),
                name="work_item_estimate_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(remaining_hours__isnull=True) | Q(remaining_hours__gte=0),
                name="work_item_remaining_not_negative",
            ),
            models.CheckConstraint(condition=Q(spent_hours__gte=0), name="work_item_spent_not_negative"),
            # What is done has an end and nothing left to do.
            models.CheckConstraint(
                condition=~Q(state="done")
                | (Q(finished_at__isnull=False) & (Q(remaining_hours__isnull=True) | Q(remaining_hours=0))),
                name="work_item_done_whole",
            ),
            models.CheckConstraint(
                condition=Q(started_at__isnull=True)
                | Q(finished_at__isnull=True)
                | Q(finished_at__gte=F("started_at")),
                name="work_item_times_in_order",
            ),
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"],
                condition=~Q(external_id=""),
                name="work_item_external_id_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "iteration", "team"], name="work_item_of_iteration"),
            models.Index(fields=["organization", "team", "finished_at"], name="work_item_finished"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def blocked(self) -> bool:
        return bool(self.blocked_reason)

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.team.train_id))]


class TrackerLink(TenantModel):
    """A tracker that a train's teams work in: its fields are read from there, all others are kept here."""

    train = TenantForeignKey("trains.Train", related_name="trackers")
    name = models.CharField(max_length=40)
    tracker_fields = models.JSONField("fields that the tracker keeps", default=list)
    history = tracked()

    class Meta:
        ordering = ["train", "name"]
        constraints = [models.UniqueConstraint(fields=["train", "name"], name="tracker_link_once")]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]
