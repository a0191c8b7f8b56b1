"""Reviews: facts first, then causes, then actions."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from problems.models.vocabulary import Category, known, known_category
from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel
from trains.models.service import service_scopes

from .rule import Depth, ReviewRule

_HANDOFFS = ("runbook", "monitoring", "on_call", "knowledge", "access", "communication")


class Review(KeyedModel):
    """A post-release review of a release, or of a service's deployments where there was none."""

    key_prefix = "REV"

    class State(models.TextChoices):
        FACTS = "facts", "Facts"
        CAUSES = "causes", "Causes"
        ACTIONS = "actions", "Actions"
        CLOSED = "closed", "Closed"

    class Mode(models.TextChoices):
        LIVE = "live", "In a meeting"
        ASYNC = "async", "In comment rounds"

    release = TenantForeignKey("trains.Release", related_name="reviews", null=True, blank=True)
    deployment = TenantForeignKey("trains.Deployment", related_name="reviews", null=True, blank=True)
    service = TenantForeignKey("trains.Service", related_name="reviews")
    depth = models.CharField(max_length=12, choices=Depth.choices, default=Depth.LIGHTWEIGHT)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FACTS)
    mandatory = models.BooleanField(default=False)
    due_at = models.DateTimeField("due")
    gathers_until = models.DateTimeField(
        null=True, blank=True, help_text="Deployments of the service up to here belong to this review."
    )
    opened_by_rule = TenantForeignKey(ReviewRule, related_name="reviews", null=True, blank=True)
    trigger = models.CharField(max_length=200, blank=True, help_text="Why it was opened.")
    facilitator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    also = ArrayField(
        models.UUIDField(),
        default=list,
        blank=True,
        verbose_name="further services",
        help_text="Interdependent services that are reviewed together with it.",
    )
    host_team = TenantForeignKey(
        "trains.Team",
        related_name="hosted_reviews",
        null=True,
        blank=True,
        help_text="The team whose lead facilitates; never the one that is responsible.",
    )
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.LIVE)
    meets_at = models.DateTimeField("meets", null=True, blank=True)
    meeting_link = models.CharField(max_length=500, blank=True)
    agenda = models.JSONField(
        default=list, blank=True, help_text="Time boxes: title, phase, minutes, seconds used, state."
    )
    ticking_since = models.DateTimeField("the clock runs since", null=True, blank=True, editable=False)
    rounds = models.JSONField(
        "comment rounds", default=list, blank=True, help_text="Asynchronous rounds with their comments."
    )
    answers = models.JSONField(default=dict, blank=True, help_text="What the record answers, by section.")
    escalated_kind = models.CharField(max_length=40, blank=True, editable=False)
    escalated_id = models.CharField(max_length=40, blank=True, editable=False)
    facts_accepted_at = models.DateTimeField(null=True, blank=True)
    facts_accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    facts_digest = models.CharField(max_length=71, blank=True, editable=False)
    decision = models.TextField(blank=True, help_text="What was decided.")
    rationale = models.TextField(blank=True, help_text="Why it was decided so.")
    closed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["due_at", "id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("state", "review_state_known", "facts causes actions closed"),
            known("depth", "review_depth_known", "detailed lightweight"),
            known("mode", "review_mode_known", "live async"),
            models.CheckConstraint(
                condition=Q(state="facts", facts_accepted_at__isnull=True)
                | (~Q(state="facts") & Q(facts_accepted_at__isnull=False) & ~Q(facts_digest="")),
                name="review_causes_need_facts",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | (Q(closed_at__isnull=False) & ~Q(decision="")),
                name="review_closed_with_decision",
            ),
            models.UniqueConstraint(
                fields=["organization", "release"],
                condition=Q(release__isnull=False) & ~Q(state="closed"),
                name="review_of_release_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "deployment"],
                condition=Q(deployment__isnull=False),
                name="review_of_deployment_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "due_at"], name="review_by_state"),
            models.Index(fields=["organization", "service", "state"], name="review_of_service"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.subject}"[:200]

    @property
    def subject(self) -> str:
        return str(self.release or self.deployment or self.service)

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"Review of {self.subject}"

    def scope_path(self) -> list[ScopeKey]:
        path: list[ScopeKey] = [("review", str(self.pk)), *service_scopes(self.service)]
        if self.release is not None:
            path.append(("train", str(self.release.train_id)))
        if self.host_team_id:
            path.append(("team", str(self.host_team_id)))
        return path


class ReviewFact(TenantModel):
    """Something that happened, with where it is on record; it follows its source until the facts are accepted."""

    class Kind(models.TextChoices):
        PLAN = "plan", "Plan"
        APPROVAL = "approval", "Approval"
        GATE = "gate", "Gate"
        DEPLOYMENT = "deployment", "Deployment"
        INCIDENT = "incident", "Incident"
        ROLLBACK = "rollback", "Rollback"
        MEASURE = "measure", "Measure"
        GAP = "gap", "Gap or contradiction"
        ADDED = "added", "Added by a person"

    review = TenantForeignKey(Review, related_name="facts")
    at = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    sentence = models.CharField(max_length=500)
    value = models.JSONField(default=dict, blank=True)
    source_kind = models.CharField(max_length=40, help_text="The kind of record, or link.")
    source_id = models.CharField(max_length=500, help_text="The record's id, or the address.")
    identity = models.CharField(max_length=120, editable=False, help_text="The same fact on every refresh.")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "review", "identity"], name="review_fact_once"),
            known(
                "kind",
                "review_fact_kind_known",
                "plan approval gate deployment incident rollback measure gap added",
            ),
            models.CheckConstraint(condition=~Q(source_id=""), name="review_fact_has_source"),
        ]

    def __str__(self) -> str:
        return self.sentence[:120]

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()


class ReviewCause(TenantModel):
    """Why it happened: a hypothesis until a fact of the review supports it."""

    class State(models.TextChoices):
        HYPOTHESIS = "hypothesis", "Hypothesis"
        SUPPORTED = "supported", "Supported"

    class Handoff(models.TextChoices):
        RUNBOOK = "runbook", "Runbook or operating notes"
        MONITORING = "monitoring", "Monitoring and alerts"
        ON_CALL = "on_call", "Who answers"
        KNOWLEDGE = "knowledge", "Knowledge of what changed"
        ACCESS = "access", "Access and tools"
        COMMUNICATION = "communication", "Communication during the change"

    review = TenantForeignKey(Review, related_name="causes")
    statement = models.TextField()
    category = models.CharField(max_length=24, choices=Category.choices)
    process_wide = models.BooleanField(
        default=False, help_text="Reaches beyond this release, into the way of working."
    )
    because_of = TenantForeignKey(
        "self",
        related_name="whys",
        null=True,
        blank=True,
        verbose_name="answers why of",
        help_text="5 Whys: the cause that this one explains.",
    )
    handoff = models.CharField(
        "handoff gap",
        max_length=14,
        choices=Handoff.choices,
        blank=True,
        help_text="What was missing between deployment and operations.",
    )
    incident = TenantForeignKey(
        "problems.Incident",
        related_name="review_findings",
        null=True,
        blank=True,
        help_text="The incident whose post-mortem says it too.",
    )
    post_mortem = models.CharField(max_length=500, blank=True, help_text="Where that post-mortem lies.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.HYPOTHESIS)
    evidence = TenantForeignKey(ReviewFact, related_name="causes", null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    history = tracked()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            known("state", "review_cause_state_known", "hypothesis supported"),
            known_category("review_cause_category_known"),
            models.CheckConstraint(
                condition=~Q(state="supported") | Q(evidence__isnull=False), name="review_cause_needs_a_fact"
            ),
            models.CheckConstraint(
                condition=Q(because_of__isnull=True) | ~Q(because_of=F("id")),
                name="review_cause_not_its_own_why",
            ),
            known("handoff", "review_cause_handoff_known", " ".join(_HANDOFFS), blank=True),
        ]

    def __str__(self) -> str:
        return self.statement[:120]

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()


class ActionItem(KeyedModel):
    """What follows from a review, with somebody who does it, a day and what success is."""

    key_prefix = "ACT"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        DROPPED = "dropped", "Dropped"

    review = TenantForeignKey(Review, related_name="actions")
    cause = TenantForeignKey(ReviewCause, related_name="actions", null=True, blank=True)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    due_on = models.DateField("due")
    success_criteria = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    effect = models.TextField(blank=True, help_text="What came of it, against the success criteria.")
    settled_at = models.DateTimeField(null=True, blank=True)
    check_on = models.DateField(
        "effect checked on", null=True, blank=True, help_text="When somebody looks whether it helped."
    )
    worked = models.BooleanField("it helped", null=True, blank=True)
    checked_at = models.DateTimeField("effect checked", null=True, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    finding = models.TextField("what the check showed", blank=True)
    escalated_kind = models.CharField(max_length=40, blank=True, editable=False)
    escalated_id = models.CharField(max_length=40, blank=True, editable=False)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["due_on", "id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("state", "action_item_state_known", "open done dropped"),
            models.CheckConstraint(condition=~Q(success_criteria=""), name="action_item_says_success"),
            models.CheckConstraint(
                condition=Q(state="open") | (Q(settled_at__isnull=False) & ~Q(effect="")),
                name="action_item_settled_with_effect",
            ),
            models.CheckConstraint(
                condition=Q(worked__isnull=True)
                | (Q(state="done", checked_at__isnull=False) & ~Q(finding="")),
                name="action_item_effect_checked_in_words",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "due_on"], name="action_item_by_due"),
            models.Index(
                fields=["organization", "check_on"],
                condition=Q(worked__isnull=True),
                name="action_item_to_check",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.review.scope_path()
