"""What auditors work with: a population shown complete and frozen, a sample drawn from it by a seed, and its conclusions."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import localtime

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .files import StoredFile


def _person(verb: str = "+", *, null: bool = True) -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name=verb, null=null, blank=null
    )


class AuditPopulation(KeyedModel):
    """Everything of one kind that happened in a period, reconciled against other sources, then frozen."""

    key_prefix = "POP"

    class Kind(models.TextChoices):
        DEPLOYMENTS = "deployments", "Deployments to production"
        CHANGES = "changes", "Change requests submitted"
        RELEASES = "releases", "Releases released"
        WAIVERS = "waivers", "Waivers decided"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        FROZEN = "frozen", "Frozen"
        WITHDRAWN = "withdrawn", "Withdrawn"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    starts = models.DateTimeField("from")
    ends = models.DateTimeField("until")
    train = TenantForeignKey("trains.Train", related_name="audit_populations", null=True, blank=True)
    purpose = models.CharField(max_length=200, blank=True, help_text="The audit it is for.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_by = _person()
    sources = models.JSONField(default=list, help_text="What was compared, with the number of rows of each.")
    reconciled_at = models.DateTimeField(null=True, blank=True)
    row_count = models.PositiveIntegerField("rows", default=0)
    row_digest = models.CharField(
        "digest", max_length=71, blank=True, help_text="SHA-256 of the file of canonical rows."
    )
    file = TenantForeignKey(StoredFile, related_name="audit_populations", null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    frozen_by = _person()
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(kind__in=["deployments", "changes", "releases", "waivers"]),
                name="population_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "frozen", "withdrawn"]), name="population_state_known"
            ),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="population_period_ordered"),
            models.CheckConstraint(
                condition=~Q(state="frozen")
                | Q(file__isnull=False, frozen_at__isnull=False) & ~Q(row_digest=""),
                name="population_frozen_has_rows",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="population_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.get_kind_display()}"

    @property
    def title(self) -> str:
        """What it is of: the first and the last day, as the reader's calendar has them."""
        first, last = localtime(self.starts), localtime(self.ends - timedelta(microseconds=1))
        return f"{self.get_kind_display()} {first:%-d %b %Y} to {last:%-d %b %Y}"


class PopulationGap(TenantModel):
    """A row that one source has and another lacks. It counts against completeness until somebody explains it."""

    class Kind(models.TextChoices):
        UNRECORDED = "unrecorded", "Observed at runtime, never recorded as deployed"
        UNOBSERVED = "unobserved", "Recorded as deployed, never observed at runtime"
        NOT_WATCHED = "not_watched", "Nothing observes this service at runtime"
        NO_CHANGE = "no_change", "Deployed without an approved change"
        NO_RELEASE = "no_release", "Deployed outside every release"
        UNTRACED = "untraced", "No artifact and no commits say what was deployed"
        NOT_DEPLOYED = "not_deployed", "Implemented or released, but never deployed"
        NO_ENTRY = "no_entry", "Recorded, but the ledger has no entry of its making"
        NO_RECORD = "no_record", "The ledger has an entry, but the record is gone"

    population = TenantForeignKey(AuditPopulation, related_name="gaps")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    label = models.CharField(max_length=200)
    sentence = models.CharField(max_length=400)
    at = models.DateTimeField()
    explanation = models.TextField(blank=True)
    explained_by = _person()
    explained_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(
        null=True, blank=True, help_text="When reconciling again no longer found it."
    )
    history = tracked()

    class Meta:
        ordering = ["kind", "at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "population", "kind", "subject_kind", "subject_id"],
                name="population_gap_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "unrecorded",
                        "unobserved",
                        "not_watched",
                        "no_change",
                        "no_release",
                        "untraced",
                        "not_deployed",
                        "no_entry",
                        "no_record",
                    ]
                ),
                name="population_gap_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(explanation="", explained_by__isnull=True, explained_at__isnull=True)
                | ~Q(explanation="") & Q(explained_by__isnull=False, explained_at__isnull=False),
                name="population_gap_explained_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.get_kind_display()}"[:200]

    @property
    def state(self) -> str:
        """Open until it is explained, or gone by itself."""
        if self.resolved_at:
            return "resolved"
        return "explained" if self.explanation else "open"

    def scope_path(self) -> list[ScopeKey]:
        return [("auditpopulation", str(self.population_id))]


class AuditSample(KeyedModel):
    """Rows drawn from a frozen population: seed, size and method are published, so that anybody draws the same."""

    key_prefix = "SMP"

    class Stratify(models.TextChoices):
        RISK = "risk", "By risk and emergency"
        NONE = "none", "Not at all"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CONCLUDED = "concluded", "Concluded"

    class Conclusion(models.TextChoices):
        EFFECTIVE = "effective", "Operating effectively"
        EXCEPTIONS = "exceptions", "With exceptions"

    population = TenantForeignKey(AuditPopulation, related_name="samples")
    seed = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    stratify = models.CharField(max_length=8, choices=Stratify.choices, default=Stratify.RISK)
    method = models.CharField(max_length=40)
    digest = models.CharField(max_length=71, help_text="Of the drawn rows, in their order.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    conclusion = models.CharField(max_length=10, choices=Conclusion.choices, blank=True)
    summary = models.TextField(blank=True)
    drawn_by = _person()
    drawn_at = models.DateTimeField(default=now)
    concluded_by = _person()
    concluded_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-drawn_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(condition=Q(size__gte=1), name="sample_not_empty"),
            models.CheckConstraint(condition=Q(stratify__in=["risk", "none"]), name="sample_stratify_known"),
            models.CheckConstraint(
                condition=Q(state="open", conclusion="")
                | Q(state="concluded", conclusion__in=["effective", "exceptions"]),
                name="sample_concluded_says_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.size} from {self.population}"[:200]

    @property
    def title(self) -> str:
        return f"{self.size} of {self.population.title}"


class SampledRow(TenantModel):
    """One row of a sample, with what the auditor concluded and the chain of evidence as it was then."""

    class Conclusion(models.TextChoices):
        PASS = "pass", "Pass"
        EXCEPTION = "exception", "Exception"

    sample = TenantForeignKey(AuditSample, related_name="rows")
    position = models.PositiveIntegerField()
    stratum = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.UUIDField()
    label = models.CharField(max_length=200)
    row = models.JSONField(help_text="As it was frozen.")
    conclusion = models.CharField(max_length=10, choices=Conclusion.choices, blank=True)
    note = models.TextField(blank=True)
    chain = models.JSONField(default=list, help_text="The chain of evidence when it was concluded.")
    concluded_by = _person()
    concluded_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sample", "position"], name="sampled_row_position_once"
            ),
            models.UniqueConstraint(fields=["organization", "sample", "subject_id"], name="sampled_row_once"),
            models.CheckConstraint(
                condition=Q(conclusion="", concluded_by__isnull=True)
                | Q(conclusion__in=["pass", "exception"], concluded_by__isnull=False),
                name="sampled_row_concluded_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(conclusion="exception") | ~Q(note=""), name="sampled_row_exception_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.label}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return [("auditsample", str(self.sample_id))]
