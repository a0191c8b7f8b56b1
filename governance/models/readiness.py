"""Is a service fit for production: reviews by checklist, and requirements that are measured."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel
from trains.models import TIERS, Comparison
from trains.models.service import service_scopes


class Obligation(models.TextChoices):
    """When a checklist must be gone through."""

    ALWAYS = "always", "Before every release"
    FIRST_RELEASE = "first_release", "Before the first release to production"


class ReviewState(models.TextChoices):
    """How far a production readiness review is."""

    DRAFT = "draft", "Being answered"
    SUBMITTED = "submitted", "Awaiting sign-off"
    SIGNED_OFF = "signed_off", "Signed off"
    REJECTED = "rejected", "Sent back"


class Attribute(models.TextChoices):
    """Which quality a requirement is about."""

    PERFORMANCE = "performance", "Performance"
    SCALABILITY = "scalability", "Scalability"
    RECOVERABILITY = "recoverability", "Recoverability"
    AVAILABILITY = "availability", "Availability"


class ReadinessChecklist(TenantModel):
    """The questions of a production readiness review for services of a tier, and when it is due."""

    train = TenantForeignKey(
        "trains.Train", related_name="checklists", null=True, blank=True, help_text="Empty: every train."
    )
    tier = models.PositiveSmallIntegerField(choices=TIERS)
    name = models.CharField(max_length=120)
    obligation = models.CharField(max_length=16, choices=Obligation.choices, default=Obligation.FIRST_RELEASE)
    questions = models.JSONField(default=list)
    minimum = models.DecimalField("least score", max_digits=5, decimal_places=1, default=Decimal(80))
    valid_days = models.PositiveSmallIntegerField("valid for days", default=180)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["tier", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(obligation__in=["always", "first_release"]), name="checklist_obligation_known"
            ),
            models.CheckConstraint(
                condition=Q(tier__gte=1, tier__lte=4, minimum__gte=0, minimum__lte=100, valid_days__gte=1),
                name="checklist_bounds",
            ),
            models.UniqueConstraint(
                fields=["organization", "train", "tier"],
                condition=Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="checklist_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (tier {self.tier})"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))] if self.train_id else []


class ReadinessReview(KeyedModel):
    """A production readiness review of a service: answers with evidence, signed by somebody outside its team."""

    key_prefix = "PRR"
    State = ReviewState

    service = TenantForeignKey("trains.Service", related_name="readiness_reviews")
    release = TenantForeignKey("trains.Release", related_name="readiness_reviews", null=True, blank=True)
    checklist = TenantForeignKey(ReadinessChecklist, related_name="reviews")
    answers = models.JSONField(default=list, help_text="The questions as asked, with answer and evidence.")
    contributors = models.JSONField(
        default=list, editable=False, help_text="Who opened, answered, submitted."
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    score = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True, editable=False)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    statement = models.TextField(blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "signed_off", "rejected"]),
                name="readiness_review_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="signed_off")
                | Q(
                    signed_by__isnull=False,
                    signed_at__isnull=False,
                    valid_until__gt=F("signed_at"),
                    score__isnull=False,
                ),
                name="readiness_review_signed_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "service", "state", "-signed_at"], name="prr_of_service")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.service}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"Production readiness of {self.service}"

    def stands(self, at: datetime) -> bool:
        """Signed off, and not run out."""
        return bool(self.state == self.State.SIGNED_OFF and self.valid_until and self.valid_until > at)

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class ServiceRequirement(KeyedModel):
    """A non-functional requirement of a service that can be measured, and how it was measured last."""

    key_prefix = "NFR"
    Attribute = Attribute

    service = TenantForeignKey("trains.Service", related_name="requirements")
    attribute = models.CharField("quality", max_length=16, choices=Attribute.choices)
    indicator = models.CharField(max_length=120, help_text="What is measured, e.g. response time p95.")
    comparison = models.CharField(
        "good is", max_length=8, choices=Comparison.choices, default=Comparison.AT_MOST
    )
    target = models.DecimalField(max_digits=14, decimal_places=4)
    unit = models.CharField(max_length=20, blank=True)
    method = models.TextField(help_text="How it is measured, so that somebody else can repeat it.")
    metric = models.CharField(
        "metric in reports",
        max_length=120,
        blank=True,
        help_text="Where a load test's report has it, e.g. http_req_duration.p(95).",
    )
    max_age_days = models.PositiveSmallIntegerField("a measurement counts for days", default=30)
    measured = models.DecimalField(
        "last value", max_digits=14, decimal_places=4, null=True, blank=True, editable=False
    )
    measured_at = models.DateTimeField("last measured", null=True, blank=True, editable=False)
    met = models.BooleanField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["service__name", "attribute", "indicator"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(attribute__in=["performance", "scalability", "recoverability", "availability"]),
                name="service_requirement_attribute_known",
            ),
            models.CheckConstraint(
                condition=Q(comparison__in=["at_least", "at_most"]),
                name="service_requirement_comparison_known",
            ),
            models.CheckConstraint(condition=Q(max_age_days__gte=1), name="service_requirement_age"),
            models.UniqueConstraint(
                fields=["organization", "service", "indicator"],
                condition=Q(retired_at__isnull=True),
                name="service_requirement_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.indicator} {self.promise}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"{self.indicator} {self.promise}"

    @property
    def promise(self) -> str:
        """The target in words."""
        return f"{self.get_comparison_display()} {shown(self.target)} {self.unit}".strip()

    @property
    def last(self) -> str:
        """The last value in words."""
        return f"{shown(self.measured)} {self.unit}".strip() if self.measured is not None else ""

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service)


class RequirementMeasurement(TenantModel):
    """One measured value of a requirement, as a test or a monitoring system posted it."""

    append_only = True

    requirement = TenantForeignKey(ServiceRequirement, related_name="measurements", db_index=False)
    artifact = TenantForeignKey("trains.Artifact", related_name="measurements", null=True, blank=True)
    at = models.DateTimeField()
    value = models.DecimalField(max_digits=14, decimal_places=4)
    met = models.BooleanField()
    source = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    run_url = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "requirement", "source", "external_id"],
                condition=~Q(external_id=""),
                name="requirement_measurement_once",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "requirement", "-at"], name="requirement_measurement_of")
        ]

    def __str__(self) -> str:
        return f"{self.requirement.indicator} {shown(self.value)} {self.requirement.unit}".strip()

    def scope_path(self) -> list[ScopeKey]:
        return self.requirement.scope_path()


def shown(value: Any) -> str:
    """A decimal without the zeros of its column."""
    return f"{Decimal(value).normalize():f}"
