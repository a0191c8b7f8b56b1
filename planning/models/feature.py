"""Features: what the train may build, their scores, and where they stand in a plan."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from planning.rules.wsjf import SCALE, wsjf
from planning.states import FeatureState
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel
from trains.rules.packaging import CANARY

PARTS = ("value", "time_criticality", "risk_reduction", "job_size")


class FeatureKind(models.TextChoices):
    """What a feature is for."""

    FEATURE = "feature", "Feature"
    ENABLER = "enabler", "Enabler"
    COMPLIANCE = "compliance", "Compliance"
    PROBLEM_FIX = "problem_fix", "Problem fix"
    DEBT = "debt", "Technical debt"


def wsjf_of(value: int, time_criticality: int, risk_reduction: int, job_size: int) -> Decimal:
    """WSJF as it is kept, to two digits."""
    exact = wsjf(value, time_criticality, risk_reduction, job_size)
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)


def exact_wsjf(value: int, time_criticality: int, risk_reduction: int, job_size: int) -> Decimal:
    """WSJF as the backlog is ranked by it: four digits keep apart what two would make a tie."""
    exact = wsjf(value, time_criticality, risk_reduction, job_size)
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _on_scale(part: str) -> Q:
    return Q(**{f"{part}__isnull": True}) | Q(**{f"{part}__in": SCALE})


class Feature(KeyedModel):
    """An item of the program backlog; on the board it is a card of a team in an iteration."""

    key_prefix = "FEAT"

    train = TenantForeignKey("trains.Train", related_name="features")
    team = TenantForeignKey("trains.Team", null=True, blank=True, related_name="features")
    theme = TenantForeignKey("planning.Theme", null=True, blank=True, related_name="features")
    bucket = TenantForeignKey(
        "planning.InvestmentBucket",
        null=True,
        blank=True,
        related_name="features",
        verbose_name="investment bucket",
    )
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=16, choices=FeatureKind.choices, default=FeatureKind.FEATURE)
    state = models.CharField(max_length=16, choices=FeatureState.choices, default=FeatureState.FUNNEL)

    acceptance = models.TextField("acceptance criteria", blank=True)
    feasibility = models.TextField(blank=True)
    constraints = models.TextField("architectural constraints", blank=True)
    tier = models.PositiveSmallIntegerField("risk tier", null=True, blank=True)
    compliance_class = models.CharField(max_length=120, blank=True)
    points = models.PositiveSmallIntegerField("points", null=True, blank=True)
    refined_at = models.DateTimeField(null=True, blank=True)
    refined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    value = models.PositiveSmallIntegerField("user-business value", null=True, blank=True)
    time_criticality = models.PositiveSmallIntegerField(null=True, blank=True)
    risk_reduction = models.PositiveSmallIntegerField("risk reduction or opportunity", null=True, blank=True)
    job_size = models.PositiveSmallIntegerField(null=True, blank=True)
    wsjf = models.DecimalField("WSJF", max_digits=6, decimal_places=2, null=True, blank=True)
    # What ranks the backlog: the exact WSJF, or the score of the train's own scoring model.
    rank_score = models.DecimalField(
        "score of the ranking", max_digits=10, decimal_places=4, null=True, blank=True, editable=False
    )
    score_frozen_at = models.DateTimeField("score frozen at", null=True, blank=True)
    agreed_at = models.DateTimeField("score agreed at", null=True, blank=True)
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    pi = TenantForeignKey(
        "trains.ProgramIncrement",
        null=True,
        blank=True,
        related_name="features",
        verbose_name="Program Increment",
    )
    iteration = TenantForeignKey("trains.Iteration", null=True, blank=True, related_name="features")
    blocked_reason = models.CharField(max_length=300, blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)

    parent = TenantForeignKey(
        "planning.Feature", null=True, blank=True, related_name="children", verbose_name="split from"
    )
    split_pattern = models.CharField(max_length=24, blank=True, editable=False)
    split_note = models.CharField("why the sizes differ", max_length=300, blank=True, editable=False)

    exposure_likelihood = models.PositiveSmallIntegerField("likelihood of harm", null=True, blank=True)
    exposure_impact = models.PositiveSmallIntegerField("impact of harm", null=True, blank=True)
    exposure_reason = models.CharField("business risk", max_length=300, blank=True)

    source_kind = models.CharField(max_length=40, blank=True)
    source_id = models.UUIDField(null=True, blank=True)
    source_label = models.CharField("source", max_length=200, blank=True)
    external_id = models.CharField("external id", max_length=120, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        abstract = False
        ordering = [
            F("wsjf").desc(nulls_last=True),
            F("time_criticality").desc(nulls_last=True),
            "created_at",
        ]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(state__in=FeatureState.values), name="feature_state_known"),
            models.CheckConstraint(condition=Q(kind__in=FeatureKind.values), name="feature_kind_known"),
            models.CheckConstraint(
                condition=Q(tier__isnull=True) | Q(tier__range=(1, 4)), name="feature_tier_1_to_4"
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="feature_parent_another"
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"exposure_{part}__isnull": True})
                    | Q(**{f"exposure_{part}__range": (1, 5)}),
                    name=f"feature_exposure_{part}_1_to_5",
                )
                for part in ("likelihood", "impact")
            ),
            *(
                models.CheckConstraint(condition=_on_scale(part), name=f"feature_{part}_on_scale")
                for part in PARTS
            ),
            models.CheckConstraint(
                condition=Q(iteration__isnull=True) | (Q(pi__isnull=False) & Q(team__isnull=False)),
                name="feature_place_whole",
            ),
            # What stands in a plan is refined: the database says so too.
            models.CheckConstraint(
                condition=Q(iteration__isnull=True) | ~Q(state__in=("funnel", "analysis")),
                name="feature_plan_refined",
            ),
            models.UniqueConstraint(
                fields=["train", "external_id"], condition=~Q(external_id=""), name="feature_external_id_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "train", "state"], name="feature_backlog"),
            models.Index(fields=["organization", "pi"], name="feature_of_pi"),
            models.Index(fields=["organization", "rank_score"], name="feature_ranking"),
            models.Index(fields=["organization", "source_id"], name="feature_of_source"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def canary_marker(self) -> bool:
        """Of so high a risk that its release is obliged to a staged path."""
        return self.tier in CANARY

    @property
    def cost_of_delay(self) -> int | None:
        """User-business value, time criticality and risk reduction together, once all are agreed."""
        parts = (self.value, self.time_criticality, self.risk_reduction)
        return None if None in parts else sum(p for p in parts if p is not None)

    @property
    def blocked(self) -> bool:
        return bool(self.blocked_reason)

    @property
    def exposure(self) -> int | None:
        """Business-risk exposure, 1 to 25: likelihood times impact of the harm while it is not built."""
        if self.exposure_likelihood is None or self.exposure_impact is None:
            return None
        return self.exposure_likelihood * self.exposure_impact


def scopes_of_feature(feature: Feature) -> list[ScopeKey]:
    """Where a right over a feature's parts may be held: on the feature, its team, its train."""
    team = [("team", str(feature.team_id))] if feature.team_id else []
    return [("feature", str(feature.pk)), *team, ("train", str(feature.train_id))]


class FeatureScore(TenantModel):
    """How one person scores a feature. The agreed score stands on the feature."""

    feature = TenantForeignKey("planning.Feature", related_name="scores")
    scorer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    value = models.PositiveSmallIntegerField("user-business value")
    time_criticality = models.PositiveSmallIntegerField()
    risk_reduction = models.PositiveSmallIntegerField("risk reduction or opportunity")
    job_size = models.PositiveSmallIntegerField()
    scored_at = models.DateTimeField()
    history = tracked()

    class Meta:
        ordering = ["scored_at"]
        constraints = [
            models.UniqueConstraint(fields=["feature", "scorer"], name="feature_score_once"),
            *(
                models.CheckConstraint(condition=Q(**{f"{p}__in": SCALE}), name=f"score_{p}_on_scale")
                for p in PARTS
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scorer} on {self.feature}"

    @property
    def wsjf(self) -> Decimal:
        return wsjf_of(self.value, self.time_criticality, self.risk_reduction, self.job_size)
