"""What is said about a release, to whom: briefs, notes, walkthroughs, the public log, and promises that change."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .release import Release
from .train import Train


class OfRelease(TenantModel):
    """Something said about one release; rights over it are those over the release's train."""

    class Meta:
        abstract = True

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]  # type: ignore[attr-defined]


class ContentBrief(OfRelease):
    """One version of what a release means in business terms. A change makes the next version."""

    append_only = True

    release = TenantForeignKey(Release, related_name="briefs", db_index=False)
    number = models.PositiveSmallIntegerField("version")
    title = models.CharField(max_length=200)
    functionality = models.TextField(help_text="What becomes possible or different, in the readers' words.")
    impact = models.TextField(blank=True, help_text="Who notices, and what they have to do.")
    downtime = models.TextField(blank=True, help_text="What is not available, and how to go on meanwhile.")
    downtime_starts = models.DateTimeField("not available from", null=True, blank=True)
    downtime_ends = models.DateTimeField("not available until", null=True, blank=True)
    generated = models.BooleanField("made from the scope", default=False)
    author = models.CharField(max_length=200)
    written_at = models.DateTimeField()
    content_digest = models.CharField(
        max_length=71, editable=False, help_text="Digest of the release's content it was written for."
    )

    class Meta:
        ordering = ["release", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "release", "number"], name="brief_version_once"),
            models.CheckConstraint(
                condition=Q(downtime_starts__isnull=True, downtime_ends__isnull=True)
                | Q(downtime_ends__gt=F("downtime_starts")),
                name="brief_downtime",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"


class ReleaseNote(OfRelease):
    """The notes of a release: resolved problems, affected configuration items, known limitations."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Withdrawn"

    release = TenantForeignKey(Release, related_name="notes")
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    summary = models.TextField(blank=True)
    resolved = models.TextField("resolved problems", blank=True, help_text="One a line, with their keys.")
    affected = models.TextField("affected configuration items", blank=True, help_text="One a line.")
    public_resolved = models.TextField(
        "resolved issues for the public",
        blank=True,
        help_text="One a line, in words for everybody: only this goes into the public release log.",
    )
    limitations = models.TextField(
        "known limitations",
        blank=True,
        help_text="One a line, for everybody: goes into the public release log.",
    )
    published_at = models.DateTimeField("published", null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "release"], name="release_notes_once"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published", "withdrawn"]), name="release_note_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False),
                name="release_note_published_at",
            ),
        ]

    def __str__(self) -> str:
        return f"Notes of {self.release}"


class PublicLog(TenantModel):
    """A train's opt-in to publish its releases to everybody."""

    train = TenantForeignKey(Train, related_name="public_logs")
    product = models.CharField(max_length=120, help_text="What the public calls it.")
    slug = models.SlugField(max_length=60, help_text="Its word in the public address.")
    opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["product"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "train"], name="public_log_once"),
            models.UniqueConstraint(fields=["organization", "slug"], name="public_log_slug_once"),
            models.CheckConstraint(
                condition=Q(slug__regex=r"^[-a-z0-9_]+$"), name="public_log_slug_is_a_word"
            ),
        ]

    def __str__(self) -> str:
        return self.product

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None and self.closed_at is None

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]


class Walkthrough(OfRelease):
    """A meeting before the release in which support or trainers see what comes."""

    class Audience(models.TextChoices):
        SUPPORT = "support", "Support"
        TRAINING = "training", "Training"
        OPERATIONS = "operations", "Operations"
        BUSINESS = "business", "Business"

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        HELD = "held", "Held"
        CANCELLED = "cancelled", "Cancelled"

    class Readiness(models.TextChoices):
        READY = "ready", "Ready"
        CONDITIONAL = "conditional", "Ready with conditions"
        NOT_READY = "not_ready", "Not ready"

    release = TenantForeignKey(Release, related_name="walkthroughs")
    audience = models.CharField(max_length=10, choices=Audience.choices)
    starts_at = models.DateTimeField("begins")
    minutes = models.PositiveSmallIntegerField(default=60)
    place = models.CharField(max_length=300, blank=True)
    facilitator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    readiness = models.CharField(max_length=11, choices=Readiness.choices, blank=True)
    conclusion = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(audience__in=["support", "training", "operations", "business"]),
                name="walkthrough_audience_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "held", "cancelled"]), name="walkthrough_state_known"
            ),
            models.CheckConstraint(
                condition=Q(readiness__in=["", "ready", "conditional", "not_ready"]),
                name="walkthrough_readiness_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="held") | ~Q(readiness=""), name="walkthrough_held_says_readiness"
            ),
        ]

    def __str__(self) -> str:
        return f"Walkthrough with {self.get_audience_display().lower()} for {self.release}"


class WalkthroughAttendee(TenantModel):
    """Somebody who is asked to a walkthrough, and whether they came."""

    walkthrough = TenantForeignKey(Walkthrough, related_name="attendees")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=120, blank=True, help_text="Somebody without an account.")
    attended = models.BooleanField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False) | ~Q(name=""), name="walkthrough_attendee_is_somebody"
            ),
            models.UniqueConstraint(
                fields=["organization", "walkthrough", "person"],
                condition=Q(person__isnull=False),
                name="walkthrough_attendee_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.person or self.name)

    def scope_path(self) -> list[ScopeKey]:
        return self.walkthrough.scope_path()


class WalkthroughQuestion(TenantModel):
    """A question raised in a walkthrough, and its answer."""

    walkthrough = TenantForeignKey(Walkthrough, related_name="questions")
    question = models.TextField()
    asked_by = models.CharField(max_length=200)
    answer = models.TextField(blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField("answered", null=True, blank=True, editable=False)
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | ~Q(answer="") & Q(answered_at__isnull=False),
                name="walkthrough_answer_has_a_time",
            )
        ]

    def __str__(self) -> str:
        return self.question[:120]

    def scope_path(self) -> list[ScopeKey]:
        return self.walkthrough.scope_path()


class CommitmentChange(OfRelease):
    """A change of what a contract promises a customer: it needs two acknowledgements and its notice."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        WITHDRAWN = "withdrawn", "Withdrawn"

    release = TenantForeignKey(Release, related_name="commitment_changes")
    customer = models.CharField(max_length=200)
    contract = models.CharField(max_length=200, help_text="Which contract or service description.")
    change = models.TextField(help_text="What was promised, and what will be so instead.")
    notice_days = models.PositiveSmallIntegerField(
        help_text="Days between telling the customer and the release."
    )
    legal = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="for legal"
    )
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="for account management"
    )
    legal_at = models.DateTimeField("acknowledged by legal", null=True, blank=True, editable=False)
    legal_note = models.TextField(blank=True, editable=False)
    account_at = models.DateTimeField(
        "acknowledged by account management", null=True, blank=True, editable=False
    )
    account_note = models.TextField(blank=True, editable=False)
    notified_on = models.DateField("customer told on", null=True, blank=True, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    history = tracked()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(legal=F("account")), name="commitment_two_people"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "acknowledged", "withdrawn"]), name="commitment_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="acknowledged") | Q(legal_at__isnull=False, account_at__isnull=False),
                name="commitment_needs_both",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} with {self.customer}"
