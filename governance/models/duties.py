"""Segregation of duties: the conflict matrix in its versions, exceptions by two, acts that were refused, validations."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from governance.rules import duties
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .changes import ChangeRequest, known


class DutyAct(models.TextChoices):
    """What somebody does on the chain from code to validated deployment."""

    CODED = "coded", "Wrote the code"
    AUTHORED = "authored", "Wrote the change"
    RESOLVED = "resolved", "Resolved the problem"
    TESTED = "tested", "Tested it"
    APPROVED = "approved", "Approved it"
    DEPLOYED = "deployed", "Deployed it"
    VALIDATED = "validated", "Validated the deployment"


class DutyLevel(models.TextChoices):
    """What becomes of two acts in one hand."""

    ALLOWED = "allowed", "Allowed"
    SECOND_PERSON = "second_person", "Needs a second person"
    FORBIDDEN = "forbidden", "Forbidden"


class DutyMatrix(TenantModel):
    """A version of the conflict matrix. The newest in force counts; the floor counts always."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        IN_FORCE = "in_force", "In force"
        WITHDRAWN = "withdrawn", "Withdrawn"

    number = models.PositiveIntegerField("version")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    cells = models.JSONField(default=dict, editable=False)
    changed = models.CharField(max_length=300, help_text="What differs from the version before.")
    reason = models.TextField()
    loosens = models.BooleanField(
        default=False, help_text="Something is looser than before: somebody else has to confirm it."
    )
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    in_force_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name = "duty matrix"
        verbose_name_plural = "duty matrices"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="duty_matrix_number_once"),
            known("state", "duty_matrix_state_known", "proposed in_force withdrawn"),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("proposed_by")),
                name="duty_matrix_confirmed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="in_force", loosens=True) | Q(confirmed_by__isnull=False),
                name="duty_matrix_loosened_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"


class DutyException(KeyedModel):
    """One person may do one act on one change for a while, although the matrix stands against it; granted by another."""

    key_prefix = "DEX"

    class Kind(models.TextChoices):
        SECOND_PERSON = "second_person", "Second person"
        BREAK_GLASS = "break_glass", "Break-glass"

    class State(models.TextChoices):
        REQUESTED = "requested", "Requested"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"
        REVOKED = "revoked", "Revoked"

    change = TenantForeignKey(ChangeRequest, related_name="duty_exceptions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="who may act"
    )
    act = models.CharField(
        max_length=12, choices=[(a.value, a.label) for a in DutyAct if a.value in duties.EXCEPTABLE]
    )
    kind = models.CharField(max_length=14, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    conflict = models.CharField(max_length=300, help_text="What stands against it.")
    reason = models.TextField(help_text="Why nobody else can do it now.")
    hours = models.PositiveSmallIntegerField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="decided by",
    )
    decision = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    used_for = TenantForeignKey("trains.Deployment", related_name="duty_exceptions", null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("act", "duty_exception_act_known", "tested deployed validated"),
            known("kind", "duty_exception_kind_known", "second_person break_glass"),
            known("state", "duty_exception_state_known", "requested granted refused revoked"),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True)
                | (~Q(granted_by=F("requested_by")) & ~Q(granted_by=F("user"))),
                name="duty_exception_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="granted")
                | Q(granted_by__isnull=False, decided_at__isnull=False, expires_at__isnull=False),
                name="duty_exception_granted_for_a_while",
            ),
        ]
        indexes = [models.Index(fields=["organization", "state", "expires_at"], name="duty_exception_live")]

    def __str__(self) -> str:
        return f"{self.key} {self.user}: {self.get_act_display().lower()}"

    @property
    def title(self) -> str:
        return f"{self.get_kind_display()} on {self.change.key}"

    @property
    def stands(self) -> bool:
        return self.state == self.State.GRANTED and self.expires_at is not None and now() < self.expires_at

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()


class DutyNearMiss(TenantModel):
    """An act that was refused for who tried it. It left nothing else behind."""

    append_only = True

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="who tried"
    )
    on_behalf_of = models.UUIDField(null=True, blank=True)
    verb = models.CharField(max_length=60)
    code = models.CharField(max_length=60)
    change = TenantForeignKey(ChangeRequest, related_name="near_misses", null=True, blank=True)
    about = models.CharField(max_length=200, blank=True)
    sentence = models.CharField(max_length=500)
    route = models.CharField(max_length=20, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    tried_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name = "near miss"
        verbose_name_plural = "near misses"
        ordering = ["-tried_at"]
        indexes = [models.Index(fields=["organization", "-tried_at"], name="near_miss_recent")]

    def __str__(self) -> str:
        return f"{self.verb} on {self.about}"[:200]


class DeploymentValidation(TenantModel):
    """Somebody other than those who made and deployed it says whether a deployment does what it should."""

    append_only = True

    class Outcome(models.TextChoices):
        WORKS = "works", "Works as intended"
        FAILS = "fails", "Does not work as intended"

    deployment = TenantForeignKey("trains.Deployment", related_name="validations")
    validator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    what = models.TextField(help_text="What was looked at, and what was seen.")
    validated_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-validated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "deployment", "validator"], name="validation_once_per_person"
            ),
            known("outcome", "validation_outcome_known", "works fails"),
            models.CheckConstraint(condition=~Q(what=""), name="validation_says_what"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment}: {self.get_outcome_display().lower()}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.deployment.scope_path()


class PersonAlias(TenantModel):
    """A further e-mail address of a person, as it stands in commits; their acts under it count as theirs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254)
    note = models.CharField(max_length=200, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name_plural = "person aliases"
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                models.functions.Lower("email"),
                condition=Q(removed_at__isnull=True),
                name="person_alias_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} is {self.user}"


def floor_rows() -> list[tuple[str, str, int, int]]:
    """(pair, tier, floor, standard) of every cell, for the database's own copy of the table."""
    found: list[Any] = []
    for pair in duties.PAIRS:
        for tier in duties.TIERS:
            ranks = duties.RANK[duties.FLOOR[pair][tier]], duties.RANK[duties.STANDARD[pair][tier]]
            found.append((pair, tier, *ranks))
    return found
