"""Risks of a train, resolved, owned, accepted or mitigated; threat models whose controls become features."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class Roam(models.TextChoices):
    """Where a risk stands on the ROAM board."""

    OPEN = "open", "Not discussed"
    RESOLVED = "resolved", "Resolved"
    OWNED = "owned", "Owned"
    ACCEPTED = "accepted", "Accepted"
    MITIGATED = "mitigated", "Mitigated"


def _one_to_five(field: str, *, null: bool = False) -> Q:
    within = Q(**{f"{field}__range": (1, 5)})
    return Q(**{f"{field}__isnull": True}) | within if null else within


class Risk(KeyedModel):
    """Something that may go wrong: how likely, how bad, whose, until when, and what is left of it."""

    key_prefix = "RISK"

    train = TenantForeignKey("trains.Train", related_name="risks")
    pi = TenantForeignKey(
        "trains.ProgramIncrement",
        related_name="risks",
        null=True,
        blank=True,
        verbose_name="Program Increment",
    )
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    roam = models.CharField("ROAM", max_length=10, choices=Roam.choices, default=Roam.OPEN)
    likelihood = models.PositiveSmallIntegerField()
    impact = models.PositiveSmallIntegerField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    mitigation = models.TextField(blank=True)
    due_on = models.DateField(null=True, blank=True)
    residual_likelihood = models.PositiveSmallIntegerField(null=True, blank=True)
    residual_impact = models.PositiveSmallIntegerField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_until = models.DateField(null=True, blank=True)
    reason = models.CharField("why so", max_length=300, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(roam__in=Roam.values), name="risk_roam_known"),
            models.CheckConstraint(condition=_one_to_five("likelihood"), name="risk_likelihood_1_to_5"),
            models.CheckConstraint(condition=_one_to_five("impact"), name="risk_impact_1_to_5"),
            models.CheckConstraint(
                condition=_one_to_five("residual_likelihood", null=True), name="risk_residual_likelihood"
            ),
            models.CheckConstraint(
                condition=_one_to_five("residual_impact", null=True), name="risk_residual_impact"
            ),
            # What is owned has an owner; what is accepted says by whom and until when.
            models.CheckConstraint(
                condition=~Q(roam="owned") | Q(owner__isnull=False), name="risk_owned_by_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(roam="accepted") | Q(accepted_by__isnull=False, accepted_until__isnull=False),
                name="risk_accepted_by_whom_until_when",
            ),
        ]
        indexes = [models.Index(fields=["organization", "train", "roam"], name="risk_of_train")]

    @property
    def exposure(self) -> int:
        """Likelihood × impact, 1 to 25."""
        return self.likelihood * self.impact

    @property
    def residual(self) -> int | None:
        """What is left after mitigation; None while nobody has said."""
        if self.residual_likelihood is None or self.residual_impact is None:
            return None
        return self.residual_likelihood * self.residual_impact

    def lapsed_on(self, day: date) -> bool:
        """Whether its acceptance has run out by this day."""
        return self.roam == Roam.ACCEPTED and self.accepted_until is not None and self.accepted_until < day


class RiskLink(TenantModel):
    """What a risk threatens: a feature or a release."""

    risk = TenantForeignKey(Risk, related_name="links")
    feature = TenantForeignKey("planning.Feature", related_name="risk_links", null=True, blank=True)
    release = TenantForeignKey("trains.Release", related_name="risk_links", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(feature__isnull=False, release__isnull=True)
                | Q(feature__isnull=True, release__isnull=False),
                name="risk_link_to_one",
            ),
            models.UniqueConstraint(fields=["risk", "feature"], name="risk_link_feature_once"),
            models.UniqueConstraint(fields=["risk", "release"], name="risk_link_release_once"),
        ]

    def __str__(self) -> str:
        return f"{self.risk} threatens {self.feature or self.release}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.risk.train_id))]


class ThreatSession(KeyedModel):
    """A threat-modelling session about a feature, a release or a service."""

    key_prefix = "TM"

    train = TenantForeignKey("trains.Train", related_name="threat_sessions")
    title = models.CharField(max_length=160)
    held_on = models.DateField()
    feature = TenantForeignKey("planning.Feature", related_name="threat_sessions", null=True, blank=True)
    release = TenantForeignKey("trains.Release", related_name="threat_sessions", null=True, blank=True)
    service = TenantForeignKey("trains.Service", related_name="threat_sessions", null=True, blank=True)
    participants = models.TextField(blank=True)
    scope = models.TextField("what was looked at", blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        verbose_name = "threat-model session"
        ordering = ["-held_on"]


class Threat(TenantModel):
    """One way in which somebody could do harm."""

    class Kind(models.TextChoices):
        SPOOFING = "spoofing", "Spoofing"
        TAMPERING = "tampering", "Tampering"
        REPUDIATION = "repudiation", "Repudiation"
        DISCLOSURE = "disclosure", "Information disclosure"
        DENIAL = "denial", "Denial of service"
        ELEVATION = "elevation", "Elevation of privilege"

    session = TenantForeignKey(ThreatSession, related_name="threats")
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    likelihood = models.PositiveSmallIntegerField()
    impact = models.PositiveSmallIntegerField()
    risk = TenantForeignKey(Risk, related_name="threats", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["spoofing", "tampering", "repudiation", "disclosure", "denial", "elevation"]
                ),
                name="threat_kind_known",
            ),
            models.CheckConstraint(condition=_one_to_five("likelihood"), name="threat_likelihood_1_to_5"),
            models.CheckConstraint(condition=_one_to_five("impact"), name="threat_impact_1_to_5"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def exposure(self) -> int:
        return self.likelihood * self.impact

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.session.train_id))]


class ThreatControl(TenantModel):
    """What is to be done against a threat; it counts as done with the feature that it became."""

    threat = TenantForeignKey(Threat, related_name="controls")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    feature = TenantForeignKey("planning.Feature", related_name="threat_controls", null=True, blank=True)
    in_place = models.CharField("why nothing is to be built", max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(feature__isnull=True) | Q(in_place=""),
                name="threat_control_built_or_in_place",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.threat.session.train_id))]
