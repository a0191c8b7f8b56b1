"""Problems: what lies behind incidents, their root causes and the releases that fix them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel
from trains.models.service import service_scopes

from .incident import Incident
from .vocabulary import SEVERITIES, Category, known, known_category


class Problem(KeyedModel):
    """The unknown or known cause behind incidents. With a workaround it is a known error."""

    key_prefix = "PRB"

    class State(models.TextChoices):
        INVESTIGATING = "investigating", "Investigating"
        KNOWN_ERROR = "known_error", "Known error"
        FIX_IN_RELEASE = "fix_in_release", "Fix in release"
        OBSERVING = "observing", "Observing"
        CLOSED = "closed", "Closed"

    title = models.CharField(max_length=200)
    service = TenantForeignKey("trains.Service", related_name="problems")
    state = models.CharField(max_length=16, choices=State.choices, default=State.INVESTIGATING)
    category = models.CharField(max_length=24, choices=Category.choices, default=Category.UNKNOWN)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES, default=3)
    description = models.TextField(blank=True)
    workaround = models.TextField(blank=True)
    fingerprint = models.CharField(
        max_length=120, blank=True, help_text="Incidents with this fingerprint are this problem coming back."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    success_criteria = models.TextField(
        blank=True, help_text="What must measurably be so before it is closed."
    )
    observation_days = models.PositiveSmallIntegerField(
        default=14, help_text="How long it must not come back after its fix went live."
    )
    threshold = models.PositiveSmallIntegerField(
        default=1, help_text="So many matching incidents while observed mean that it is back."
    )
    min_exposure = models.PositiveIntegerField(
        "least exposure",
        default=0,
        help_text="How often what failed must be exercised while observed: quiet without use proves nothing.",
    )
    exposure_unit = models.CharField(max_length=40, blank=True, default="runs")
    rolls_back = models.BooleanField(
        "rolls the fix back", default=False, help_text="Coming back while observed rolls its fix back."
    )
    workaround_retired_at = models.DateTimeField(
        "workaround retired", null=True, blank=True, help_text="From then on the fix makes it needless."
    )
    outcomes = models.JSONField(
        default=list, editable=False, help_text="What became of each deployment of a fix, the latest last."
    )
    reopened_count = models.PositiveSmallIntegerField("times re-opened", default=0)
    reopened_at = models.DateTimeField("re-opened", null=True, blank=True)
    closed_at = models.DateTimeField("closed", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    closing_note = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["severity", "-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known(
                "state", "problem_state_known", "investigating known_error fix_in_release observing closed"
            ),
            known_category("problem_category_known"),
            models.CheckConstraint(
                condition=Q(severity__gte=1, severity__lte=4), name="problem_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(observation_days__gte=1, threshold__gte=1), name="problem_observation_plan"
            ),
            models.CheckConstraint(
                condition=~Q(state="known_error") | ~Q(workaround=""), name="known_error_has_workaround"
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="problem_closed_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "severity"], name="problem_by_state"),
            models.Index(
                fields=["organization", "fingerprint"],
                condition=~Q(fingerprint=""),
                name="problem_by_fingerprint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return [("problem", str(self.pk)), *service_scopes(self.service)]

    @property
    def is_open(self) -> bool:
        return self.state != self.State.CLOSED


class ProblemIncident(TenantModel):
    """An incident that a problem lies behind."""

    append_only = True

    problem = TenantForeignKey(Problem, related_name="incidents", db_index=False)
    incident = TenantForeignKey(Incident, related_name="problems", db_index=False)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "problem", "incident"], name="problem_incident_once"
            )
        ]
        indexes = [models.Index(fields=["organization", "incident"], name="problem_of_incident")]

    def __str__(self) -> str:
        return f"{self.incident.key} of {self.problem.key}"

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()


class RootCause(TenantModel):
    """What is held to be the cause, by which method, on which evidence; valid once somebody else says so."""

    class Method(models.TextChoices):
        FIVE_WHYS = "five_whys", "5 whys"
        FISHBONE = "fishbone", "Fishbone"
        TIMELINE = "timeline", "Timeline analysis"
        FAULT_TREE = "fault_tree", "Fault tree"
        CHANGE_ANALYSIS = "change_analysis", "Change analysis"
        REPRODUCTION = "reproduction", "Reproduction"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PROPOSED = "proposed", "Proposed"
        VALIDATED = "validated", "Validated"
        REJECTED = "rejected", "Rejected"

    problem = TenantForeignKey(Problem, related_name="root_causes")
    method = models.CharField(max_length=16, choices=Method.choices)
    category = models.CharField(max_length=24, choices=Category.choices)
    statement = models.TextField()
    evidence = models.JSONField(default=list, help_text="Links or ids of what shows it, one each.")
    analysis = models.JSONField(
        default=list, blank=True, help_text="The steps of the method: each with its label and what was found."
    )
    document = TenantForeignKey(
        "governance.StoredFile",
        related_name="root_causes",
        null=True,
        blank=True,
        editable=False,
        help_text="The document as it was validated; it travels in evidence packages.",
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    validator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    validated_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="What the validator said.")
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            known(
                "method",
                "root_cause_method_known",
                "five_whys fishbone timeline fault_tree change_analysis reproduction",
            ),
            known("state", "root_cause_state_known", "draft proposed validated rejected"),
            known_category("root_cause_category_known"),
            models.CheckConstraint(
                condition=Q(validator__isnull=True) | ~Q(validator=F("author")),
                name="root_cause_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(state="validated")
                | (Q(validator__isnull=False, validated_at__isnull=False) & ~Q(evidence=[])),
                name="root_cause_validated_on_evidence",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.problem.key} {self.statement}"[:120]

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()


class ProblemFix(TenantModel):
    """A release that is to fix a problem, and who made the fix."""

    problem = TenantForeignKey(Problem, related_name="fixes", db_index=False)
    release = TenantForeignKey("trains.Release", related_name="problem_fixes", db_index=False)
    resolver = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who resolves the problem."
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "problem fixes"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "problem", "release"],
                condition=Q(withdrawn_at__isnull=True),
                name="problem_fix_once",
            )
        ]
        indexes = [models.Index(fields=["organization", "release"], name="problem_fix_of_release")]

    def __str__(self) -> str:
        return f"{self.release} for {self.problem.key}"

    def scope_path(self) -> list[ScopeKey]:
        return [*self.problem.scope_path(), ("train", str(self.release.train_id))]
