"""What an item touches (regulated data, authentication, complexity), who signs for it, and which security tests it had."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.accounts.catalogue import Role
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel
from trains.models.service import service_scopes


class FlagKind(models.TextChoices):
    """What something touches, and hence what it obliges to."""

    GDPR = "gdpr", "Personal data (GDPR)"
    HIPAA = "hipaa", "Health data (HIPAA)"
    SOX = "sox", "Financial reporting (SOX)"
    AUTHENTICATION = "authentication", "Authentication"
    DATA_ACCESS = "data_access", "Data access"
    THIRD_PARTY = "third_party", "Third-party integration"
    COMPLEX = "complex", "Complex, needs a threat model"
    NONE = "none", "Assessed: none of these"


REGIMES = ("gdpr", "hipaa", "sox")
SECURITY = ("authentication", "data_access", "third_party")


class Regime(models.TextChoices):
    """The rules that a checkpoint belongs to."""

    GDPR = "gdpr", "GDPR"
    HIPAA = "hipaa", "HIPAA"
    SOX = "sox", "SOX"


class Point(models.TextChoices):
    """Where on the way of a release a checkpoint stands."""

    SCOPE_FREEZE = "scope_freeze", "Before the scope freeze"
    APPROVAL = "approval", "Before approval"
    DEPLOYMENT = "deployment", "Before production"


class Function(models.TextChoices):
    """Whose word it takes."""

    LEGAL = "legal", "Legal"
    AUDIT = "audit", "Audit"
    PRIVACY = "privacy", "Privacy"


class SignOffDecision(models.TextChoices):
    """What was said at a checkpoint."""

    SIGNED = "signed", "Signed off"
    REFUSED = "refused", "Refused"


class SecurityMethod(models.TextChoices):
    """How security was tested."""

    SAST = "sast", "Static analysis (SAST)"
    DAST = "dast", "Dynamic analysis (DAST)"
    PENTEST = "pentest", "Penetration test"


class ScopeFlag(TenantModel):
    """Says what a service, a release, an item of its scope, or an item of a backlog touches."""

    Kind = FlagKind

    kind = models.CharField(max_length=16, choices=Kind.choices)
    service = TenantForeignKey("trains.Service", related_name="flags", null=True, blank=True)
    release = TenantForeignKey("trains.Release", related_name="flags", null=True, blank=True)
    item = TenantForeignKey("trains.ScopeItem", related_name="flags", null=True, blank=True)
    source_key = models.CharField(
        "backlog item", max_length=40, blank=True, help_text="Key of a feature or problem, e.g. FEAT-12."
    )
    reason = models.TextField(help_text="What makes it so.")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(default=now)
    withdrawn_at = models.DateTimeField("withdrawn", null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[*REGIMES, *SECURITY, "complex", "none"]), name="scope_flag_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(service__isnull=False, release__isnull=True, item__isnull=True, source_key="")
                | Q(service__isnull=True, release__isnull=False, item__isnull=True, source_key="")
                | Q(service__isnull=True, release__isnull=True, item__isnull=False, source_key="")
                | (Q(service__isnull=True, release__isnull=True, item__isnull=True) & ~Q(source_key="")),
                name="scope_flag_of_one",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_by__isnull=True) | ~Q(withdrawn_by=models.F("raised_by")),
                name="scope_flag_withdrawn_by_another",
            ),
            models.UniqueConstraint(
                fields=["organization", "kind", "service", "release", "item", "source_key"],
                condition=Q(withdrawn_at__isnull=True) & ~Q(kind="none"),
                nulls_distinct=False,
                name="scope_flag_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "source_key"], name="scope_flag_by_source")]

    def __str__(self) -> str:
        about = self.service or self.release or self.item or self.source_key
        return f"{about}: {self.get_kind_display()}"

    def scope_path(self) -> list[ScopeKey]:
        if self.service is not None:
            return service_scopes(self.service)
        release = self.release or (self.item.release if self.item is not None else None)
        return [("train", str(release.train_id))] if release is not None else []


class ComplianceCheckpoint(TenantModel):
    """A point on the way of a release at which somebody of a role signs for what a regime is affected by."""

    train = TenantForeignKey(
        "trains.Train", related_name="checkpoints", null=True, blank=True, help_text="Empty: every train."
    )
    regime = models.CharField(max_length=8, choices=Regime.choices)
    point = models.CharField(max_length=14, choices=Point.choices)
    function = models.CharField("sign-off of", max_length=8, choices=Function.choices)
    role = models.CharField(max_length=30, choices=Role.choices, help_text="Who holds this role signs.")
    retired_at = models.DateTimeField("retired", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["regime", "point", "function"]
        constraints = [
            models.CheckConstraint(
                condition=Q(regime__in=REGIMES), name="compliance_checkpoint_regime_known"
            ),
            models.CheckConstraint(
                condition=Q(point__in=["scope_freeze", "approval", "deployment"]),
                name="compliance_checkpoint_point_known",
            ),
            models.CheckConstraint(
                condition=Q(function__in=["legal", "audit", "privacy"]),
                name="compliance_checkpoint_function_known",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="compliance_checkpoint_role_known"
            ),
            models.UniqueConstraint(
                fields=["organization", "train", "regime", "point", "function"],
                condition=Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="compliance_checkpoint_once",
            ),
        ]

    def __str__(self) -> str:
        where = f"{self.train}: " if self.train else ""
        return f"{where}{self.get_regime_display()}, {self.get_function_display().lower()}, {self.get_point_display().lower()}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))] if self.train_id else []


class CheckpointSignOff(TenantModel):
    """What somebody said at a checkpoint about the exact content of a release. It never changes."""

    append_only = True

    checkpoint = TenantForeignKey(ComplianceCheckpoint, related_name="sign_offs")
    release = TenantForeignKey("trains.Release", related_name="checkpoint_sign_offs", db_index=False)
    content_digest = models.CharField(max_length=71)
    decision = models.CharField(max_length=8, choices=SignOffDecision.choices)
    statement = models.TextField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["-signed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=["signed", "refused"]), name="sign_off_decision_known"
            ),
            models.CheckConstraint(condition=~Q(statement=""), name="checkpoint_sign_off_has_statement"),
        ]
        indexes = [
            models.Index(fields=["organization", "release", "checkpoint", "-signed_at"], name="sign_off_of")
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.checkpoint}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]


class SecurityTest(TenantModel):
    """A security test of one build, as posted: what was tested how, and what it left open. It never changes."""

    append_only = True
    Method = SecurityMethod

    artifact = TenantForeignKey("trains.Artifact", related_name="security_tests", db_index=False)
    method = models.CharField(max_length=8, choices=Method.choices)
    tool = models.CharField("tool or tester", max_length=120)
    performed_at = models.DateTimeField()
    critical = models.PositiveIntegerField("open critical findings", default=0)
    high = models.PositiveIntegerField("open high findings", default=0)
    complete = models.BooleanField(default=True, help_text="It ran to its end over all that it was to cover.")
    summary = models.TextField(blank=True)
    report_url = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    posted_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["-performed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(method__in=["sast", "dast", "pentest"]), name="security_test_method_known"
            ),
            models.UniqueConstraint(
                fields=["organization", "source", "external_id"],
                condition=~Q(external_id=""),
                name="security_test_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "artifact", "method", "-performed_at"], name="security_test_of"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} of {self.artifact}"

    @property
    def outcome(self) -> str:
        """What it left, in words."""
        if not self.complete:
            return "did not run to its end"
        if not self.critical and not self.high:
            return "nothing critical or high is open"
        return f"{self.critical} critical and {self.high} high findings are open"

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = self.artifact.scope_path()
        return path


class ThreatState(models.TextChoices):
    """How a threat stands."""

    OPEN = "open", "Open"
    MITIGATED = "mitigated", "Mitigated"
    ACCEPTED = "accepted", "Accepted"
    NOT_APPLICABLE = "not_applicable", "Does not apply"


class Stride(models.TextChoices):
    """What kind of threat it is."""

    SPOOFING = "spoofing", "Spoofing"
    TAMPERING = "tampering", "Tampering"
    REPUDIATION = "repudiation", "Repudiation"
    DISCLOSURE = "disclosure", "Information disclosure"
    DENIAL = "denial", "Denial of service"
    ELEVATION = "elevation", "Elevation of privilege"


class ModelState(models.TextChoices):
    """How far a threat model is."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    RETIRED = "retired", "Retired"


class ThreatModel(KeyedModel):
    """The elements of a complex feature or service, and what threatens them."""

    key_prefix = "TM"
    State = ModelState

    title = models.CharField(max_length=200)
    service = TenantForeignKey("trains.Service", related_name="threat_models", null=True, blank=True)
    release = TenantForeignKey("trains.Release", related_name="threat_models", null=True, blank=True)
    source_key = models.CharField(
        "backlog item", max_length=40, blank=True, help_text="Key of the feature, e.g. FEAT-12."
    )
    elements = models.JSONField(
        default=list, blank=True, help_text="Processes, stores, flows and actors with their trust boundary."
    )
    assumptions = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    conclusion = models.TextField(blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["draft", "in_review", "approved", "retired"]),
                name="threat_model_state_known",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | ~Q(reviewed_by=models.F("author")),
                name="threat_model_reviewed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(reviewed_by__isnull=False, reviewed_at__isnull=False),
                name="threat_model_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(service__isnull=False) | Q(release__isnull=False) | ~Q(source_key=""),
                name="threat_model_of_something",
            ),
        ]
        indexes = [models.Index(fields=["organization", "source_key"], name="threat_model_by_source")]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    def scope_path(self) -> list[ScopeKey]:
        if self.service is not None:
            return service_scopes(self.service)
        return [("train", str(self.release.train_id))] if self.release is not None else []


class ModelledThreat(TenantModel):
    """One threat to one element, and the controls against it with their state."""

    State = ThreatState

    model = TenantForeignKey(ThreatModel, related_name="threats")
    element = models.CharField(max_length=80)
    category = models.CharField(max_length=12, choices=Stride.choices)
    title = models.CharField(max_length=200)
    severity = models.PositiveSmallIntegerField(
        choices=[(1, "Critical"), (2, "High"), (3, "Medium"), (4, "Low")], default=3
    )
    state = models.CharField(max_length=14, choices=State.choices, default=State.OPEN)
    controls = models.JSONField(
        "mitigating controls", default=list, blank=True, help_text="Each with its state and evidence."
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision = models.TextField(blank=True, help_text="Why it is accepted or does not apply.")
    accepted_until = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["model", "severity", "created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(category__in=Stride.values), name="modelled_threat_category_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "mitigated", "accepted", "not_applicable"]),
                name="modelled_threat_state_known",
            ),
            models.CheckConstraint(
                condition=Q(severity__gte=1, severity__lte=4), name="modelled_threat_severity"
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted")
                | (Q(decided_by__isnull=False, accepted_until__isnull=False) & ~Q(decision="")),
                name="modelled_threat_accepted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return self.model.scope_path()
