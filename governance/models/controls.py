"""Control catalogues as imported, what each control rests on here, and the assessments that conclude about it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .changes import known


class ControlCatalogue(TenantModel):
    """One edition of a control framework. Its digest says exactly which text was imported."""

    code = models.SlugField("short name", max_length=60, help_text="Like nist-800-53; once per version.")
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=60)
    jurisdiction = models.CharField(max_length=60, blank=True, help_text="Where it binds: EU, US, or empty.")
    source = models.CharField(max_length=300, blank=True, help_text="Where the text came from.")
    source_id = models.CharField(max_length=80, blank=True, help_text="The catalogue's own identifier.")
    digest = models.CharField(max_length=71)
    imported_at = models.DateTimeField(default=now)
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["title", "version"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "code", "version"], name="catalogue_edition_once")
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"[:200]


class Control(TenantModel):
    """One requirement of a catalogue."""

    catalogue = TenantForeignKey(ControlCatalogue, related_name="controls", db_index=False)
    code = models.CharField(max_length=60, help_text="As people say it: CM-3.")
    identifier = models.CharField(max_length=80, help_text="As the source names it: cm-3.")
    title = models.CharField(max_length=300)
    statement = models.TextField(blank=True)
    group = models.CharField("family", max_length=160, blank=True)
    parent = TenantForeignKey("self", related_name="parts", null=True, blank=True)
    baselines = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    withdrawn = models.BooleanField(default=False)
    applicable = models.BooleanField(default=True)
    applicability = models.TextField("why it does not apply", blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="operated by",
    )
    history = tracked()

    class Meta:
        ordering = ["catalogue", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "catalogue", "identifier"], name="control_once_in_catalogue"
            ),
            models.CheckConstraint(
                condition=Q(applicable=True) | ~Q(applicability=""), name="control_scoped_out_with_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "catalogue", "position"], name="control_of_catalogue"),
            models.Index(fields=["organization", "code"], name="control_by_code"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"[:200]


class ControlMapping(TenantModel):
    """What a control rests on here: a check of the gates, a recorded activity, or a document."""

    class Kind(models.TextChoices):
        CHECK = "check", "Check of a gate"
        VERB = "verb", "Recorded act"
        ACTIVITY = "activity", "Activity with an outcome"
        DOCUMENT = "document", "Document"

    control = TenantForeignKey(Control, related_name="mappings", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    target = models.CharField(
        max_length=80, help_text="The check kind, the verb, the activity or the document kind."
    )
    rationale = models.TextField(help_text="Why this is evidence for the control.")
    source = models.CharField(max_length=80, blank=True, help_text="The starter set it came with, or empty.")
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["control", "kind", "target"]
        constraints = [
            known("kind", "mapping_kind_known", "check verb activity document"),
            models.CheckConstraint(condition=~Q(rationale=""), name="mapping_has_rationale"),
            models.UniqueConstraint(
                fields=["organization", "control", "kind", "target"],
                condition=Q(retired_at__isnull=True),
                name="mapping_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "kind", "target"], name="mapping_by_target")]

    def __str__(self) -> str:
        return f"{self.control.code}: {self.get_kind_display().lower()} {self.target}"


class ControlAssessment(KeyedModel):
    """Whether a control worked in a period, concluded by somebody who did not operate it.

    `sample` holds one entry for each item drawn: kind, id, label, outcome, mark, note. `exceptions` holds what was found:
    item (its place in the sample, or null), what, severity, response, due.
    """

    key_prefix = "ASM"

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        SAMPLED = "sampled", "Sample drawn"
        CONCLUDED = "concluded", "Concluded"
        CANCELLED = "cancelled", "Cancelled"

    class Method(models.TextChoices):
        EXAMINE = "examine", "Examine records"
        INTERVIEW = "interview", "Interview people"
        TEST = "test", "Test the mechanism"

    class Conclusion(models.TextChoices):
        EFFECTIVE = "effective", "Effective"
        EXCEPTION = "exception", "Exceptions found"
        NOT_ASSESSED = "not_assessed", "Not assessed"

    control = TenantForeignKey(Control, related_name="assessments", db_index=False)
    starts = models.DateField("period from")
    ends = models.DateField("period until", help_text="The first day after the period.")
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.EXAMINE)
    scheduled_for = models.DateField("due")
    assessor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.SCHEDULED)
    sampled_at = models.DateTimeField(null=True, blank=True)
    population_size = models.PositiveIntegerField(null=True, blank=True)
    population_digest = models.CharField(max_length=71, blank=True)
    seed = models.CharField(max_length=64, blank=True)
    sample = models.JSONField(default=list, blank=True)
    operators = ArrayField(
        models.UUIDField(), default=list, blank=True, editable=False, help_text="Who operated the control."
    )
    conclusion = models.CharField(max_length=12, choices=Conclusion.choices, blank=True)
    statement = models.TextField(blank=True, help_text="What was found, and why that is the conclusion.")
    exceptions = models.JSONField(default=list, blank=True)
    concluded_at = models.DateTimeField(null=True, blank=True)
    concluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["scheduled_for", "key"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("state", "assessment_state_known", "scheduled sampled concluded cancelled"),
            known("method", "assessment_method_known", "examine interview test"),
            models.CheckConstraint(
                condition=Q(conclusion__in=["", "effective", "exception", "not_assessed"]),
                name="assessment_conclusion_known",
            ),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="assessment_period_ordered"),
            models.CheckConstraint(
                condition=~Q(state="concluded", conclusion="")
                & (
                    ~Q(state="concluded")
                    | Q(concluded_by__isnull=False, concluded_at__isnull=False) & ~Q(statement="")
                ),
                name="assessment_concluded_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="concluded") | Q(conclusion="", concluded_by__isnull=True),
                name="assessment_conclusion_when_concluded",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "control", "-ends"], name="assessment_of_control"),
            models.Index(
                fields=["organization", "scheduled_for"],
                condition=Q(state__in=["scheduled", "sampled"]),
                name="assessment_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.control.code}"

    @property
    def title(self) -> str:
        return str(self.control)

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.SCHEDULED, self.State.SAMPLED)

    @property
    def overdue(self) -> bool:
        return self.is_open and self.scheduled_for < now().date()

    @property
    def marks(self) -> dict[str, Any]:
        """How many of the sample were marked how."""
        counted: dict[str, int] = {}
        for item in self.sample:
            counted[item.get("mark") or "open"] = counted.get(item.get("mark") or "open", 0) + 1
        return counted
