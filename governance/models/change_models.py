"""Change models: templates for changes of a common type, and the pre-approval they earn and lose."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .changes import ChangeRequest, known

_SHARE = [MinValueValidator(Decimal("0.01")), MaxValueValidator(1)]


class ChangeModel(KeyedModel):
    """How a common type of change is done: steps, plans, answers to the questionnaire, checks.

    Pre-approved, a change that keeps to it needs no board. It earns that by its record and loses it by its record.
    """

    key_prefix = "CM"

    class State(models.TextChoices):
        TRIAL = "trial", "On trial"
        PROPOSED = "proposed", "Proposed for pre-approval"
        PRE_APPROVED = "pre_approved", "Pre-approved"
        LOST = "lost", "Pre-approval lost"
        RETIRED = "retired", "Retired"

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    type = models.CharField(
        max_length=10, choices=ChangeRequest.Type.choices, default=ChangeRequest.Type.STANDARD
    )
    service = TenantForeignKey("trains.Service", related_name="change_models", null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.TRIAL)
    steps = models.JSONField(
        default=list, blank=True, help_text='In order, each {"title", "owner", "minutes"}.'
    )
    implementation_plan = models.TextField()
    test_plan = models.TextField()
    communication_plan = models.TextField(blank=True)
    backout_plan = models.TextField()
    answers = models.JSONField(
        default=dict, blank=True, help_text="Answers to the risk questionnaire that hold for every run."
    )
    checks = models.JSONField(
        default=list, blank=True, help_text="Kinds of checks that must pass before a run is approved."
    )
    drafts_for = models.JSONField(
        "written by itself for",
        default=list,
        blank=True,
        help_text="Kinds of backlog items that get a change after this model when they are approved.",
    )
    drafts_up_to_tier = models.PositiveSmallIntegerField(
        "up to risk tier",
        null=True,
        blank=True,
        help_text="Only items of this tier or a riskier one (1 is the riskiest); empty: of any tier.",
    )
    threshold = models.DecimalField(
        "failure rate that loses pre-approval", max_digits=4, decimal_places=3, default=Decimal("0.1"), validators=_SHARE
    )  # fmt: skip
    proof = models.DecimalField(
        "failure rate to stay surely below", max_digits=4, decimal_places=3, default=Decimal("0.2"), validators=_SHARE
    )  # fmt: skip
    # What counts for the record: runs after this moment. A model that lost its pre-approval begins anew.
    record_since = models.DateTimeField(null=True, blank=True)
    proposal = models.JSONField(default=dict, blank=True, editable=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, blank=True, editable=False)
    standing = models.CharField(max_length=300, blank=True, editable=False)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["name"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "name"], name="change_model_name_once"),
            known("state", "change_model_state_known", "trial proposed pre_approved lost retired"),
            known("type", "change_model_type_known", "standard normal"),
            models.CheckConstraint(
                condition=Q(drafts_up_to_tier__isnull=True) | Q(drafts_up_to_tier__range=(1, 4)),
                name="change_model_tier_1_to_4",
            ),
            models.CheckConstraint(
                condition=~Q(state="pre_approved") | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="change_model_pre_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="pre_approved") | ~Q(decided_by=models.F("proposed_by")),
                name="change_model_pre_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"[:200]

    @property
    def is_pre_approved(self) -> bool:
        return self.state == self.State.PRE_APPROVED
