"""What remains of a review: recordings, transcripts and minutes, and case studies for everybody else."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q

from problems.models.vocabulary import Category, known, known_category
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel

from .review import Review

# Words are found by their stem; the index and every query name the same configuration.
LANGUAGE = "english"
WORDS = SearchVector("title", "text", config=LANGUAGE)


class ReviewRecord(TenantModel):
    """A recording (a link), a transcript or the minutes of a review, and who may read it."""

    class Kind(models.TextChoices):
        RECORDING = "recording", "Recording"
        TRANSCRIPT = "transcript", "Transcript"
        MINUTES = "minutes", "Minutes"

    class Access(models.TextChoices):
        EVERYBODY = "everybody", "Everybody in the organization"
        PARTICIPANTS = "participants", "Those who took part"
        FACILITATORS = "facilitators", "Facilitators only"

    review = TenantForeignKey(Review, related_name="records")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    title = models.CharField(max_length=200)
    held_on = models.DateField()
    url = models.CharField("address", max_length=500, blank=True)
    text = models.TextField(blank=True)
    access = models.CharField(
        "who may read it", max_length=12, choices=Access.choices, default=Access.PARTICIPANTS
    )
    roles = ArrayField(
        models.CharField(max_length=30), default=list, blank=True, help_text="Roles that may read it besides."
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    history = tracked()

    class Meta:
        ordering = ["-held_on", "-id"]
        verbose_name = "review record"
        constraints = [
            known("kind", "review_record_kind_known", "recording transcript minutes"),
            known("access", "review_record_access_known", "everybody participants facilitators"),
            models.CheckConstraint(condition=~Q(url="", text=""), name="review_record_holds_something"),
        ]
        indexes = [
            GinIndex(WORDS, name="review_record_words"),
            models.Index(fields=["organization", "-held_on"], name="review_record_by_day"),
        ]

    def __str__(self) -> str:
        return self.title

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()


class CaseStudy(KeyedModel):
    """What others learn from a review, without the people, teams and customers: redacted, then looked at by a second person."""

    key_prefix = "CASE"

    class State(models.TextChoices):
        DRAFT = "draft", "Being redacted"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Withdrawn"

    review = TenantForeignKey(Review, related_name="case_studies")
    title = models.CharField(max_length=200)
    category = models.CharField(max_length=24, choices=Category.choices, default=Category.UNKNOWN)
    source = models.TextField(help_text="The text before redaction. Only facilitators see it.")
    redactions = models.JSONField(
        default=list,
        help_text="Each with text, kind (person, team, customer, contact), replacement and whether it is made.",
    )
    body = models.TextField(help_text="The text as others read it.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    published_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at", "-id"]
        verbose_name = "case study"
        verbose_name_plural = "case studies"
        constraints = [
            *KeyedModel.Meta.constraints,
            known("state", "case_study_state_known", "draft published withdrawn"),
            known_category("case_study_category_known"),
            models.CheckConstraint(
                condition=~Q(state="published")
                | (
                    Q(checked_by__isnull=False)
                    & Q(published_at__isnull=False)
                    & ~Q(checked_by=models.F("written_by"))
                ),
                name="case_study_checked_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()
