"""Change requests, the boards that decide them, votes bound to exact content, meetings and authorised deployments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


def known(field: str, name: str, values: str) -> models.CheckConstraint:
    """The vocabulary of a field, held by the database too."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": values.split()}), name=name)


class Board(TenantModel):
    """A change advisory board: who decides, how many must take part, by which rule."""

    class Kind(models.TextChoices):
        CAB = "cab", "Change advisory board"
        ECAB = "ecab", "Emergency change advisory board"

    class Rule(models.TextChoices):
        MAJORITY = "majority", "More approvals than rejections"
        UNANIMOUS = "unanimous", "No rejection"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CAB)
    quorum = models.PositiveSmallIntegerField(default=3)
    rule = models.CharField(max_length=12, choices=Rule.choices, default=Rule.MAJORITY)
    share = models.PositiveSmallIntegerField(
        "share that must take part",
        default=0,
        help_text="Percent of the members who may decide; the quorum is never less than its number.",
    )
    role_quorum = models.JSONField(
        "roles that must agree", default=dict, blank=True, help_text='Approvals by seat, as {"compliance_officer": 1}.'
    )  # fmt: skip
    vote_hours = models.PositiveIntegerField(
        null=True, blank=True, help_text="Hours to vote after submission; nobody's silence approves."
    )
    escalates_to = TenantForeignKey(
        "self", related_name="+", null=True, blank=True, help_text="Decides where this board does not."
    )
    approval_days = models.PositiveSmallIntegerField(
        default=30, help_text="Days after which an approval that was not used lapses."
    )
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="board_name_once"),
            models.CheckConstraint(condition=Q(quorum__gte=1), name="board_quorum_positive"),
            known("kind", "board_kind_known", "cab ecab"),
            known("rule", "board_rule_known", "majority unanimous"),
            models.CheckConstraint(condition=Q(share__lte=100), name="board_share_is_percent"),
            models.CheckConstraint(
                condition=Q(escalates_to__isnull=True) | ~Q(escalates_to=F("id")),
                name="board_escalates_to_another",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BoardMember(TenantModel):
    """Somebody who votes on a board, or who may vote in a member's place."""

    board = TenantForeignKey(Board, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    deputy_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    represents = models.CharField(
        "speaks for", max_length=40, blank=True, help_text="The role whose agreement this seat gives."
    )
    starts_at = models.DateTimeField("from", null=True, blank=True)
    ends_at = models.DateTimeField("until", null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "board", "user", "deputy_of", "starts_at"],
                condition=Q(removed_at__isnull=True),
                name="board_member_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(deputy_of__isnull=True) | ~Q(deputy_of=F("user")), name="board_deputy_is_another"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="board_seat_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(deputy_of__isnull=False) | Q(starts_at__isnull=True, ends_at__isnull=True),
                name="only_deputies_for_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.deputy_of}" if self.deputy_of_id else str(self.user)

    def in_force(self, at: datetime) -> bool:
        """Whether the seat counts at a moment: a delegation only from its beginning up to its end."""
        begun = self.starts_at is None or self.starts_at <= at
        return self.removed_at is None and begun and (self.ends_at is None or at < self.ends_at)


class ChangeRequest(KeyedModel):
    """A request for change (RFC). Every approval is bound to `revision` and `content_digest`."""

    key_prefix = "CHG"

    class Type(models.TextChoices):
        STANDARD = "standard", "Standard"
        NORMAL = "normal", "Normal"
        EMERGENCY = "emergency", "Emergency"

    class Risk(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ASSESSED = "assessed", "Assessed"
        AWAITING_APPROVAL = "awaiting_approval", "Awaiting approval"
        APPROVED = "approved", "Approved"
        SCHEDULED = "scheduled", "Scheduled"
        IMPLEMENTING = "implementing", "Implementing"
        COMPLETED = "completed", "Completed"
        CLOSED = "closed", "Closed"
        REJECTED = "rejected", "Rejected"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    class ApprovedBy(models.TextChoices):
        BOARD = "board", "A board"
        POLICY = "policy", "The approval policy"

    class Outcome(models.TextChoices):
        SUCCESSFUL = "successful", "Successful"
        WITH_ISSUES = "with_issues", "With issues"
        BACKED_OUT = "backed_out", "Backed out"

    # Not yet asked for: the text may change without a new revision.
    UNASKED = (State.DRAFT, State.ASSESSED)
    # In these states the present content stands approved.
    STANDING = (State.APPROVED, State.SCHEDULED, State.IMPLEMENTING)

    title = models.CharField(max_length=200)
    release = TenantForeignKey("trains.Release", related_name="changes", null=True, blank=True)
    service = TenantForeignKey("trains.Service", related_name="changes", null=True, blank=True)
    environment = TenantForeignKey("trains.Environment", related_name="changes", null=True, blank=True)
    board = TenantForeignKey(Board, related_name="changes")
    type = models.CharField(max_length=10, choices=Type.choices, default=Type.NORMAL)
    risk = models.CharField(max_length=8, choices=Risk.choices, default=Risk.MEDIUM)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    window_starts = models.DateTimeField("window from", null=True, blank=True)
    window_ends = models.DateTimeField("window until", null=True, blank=True)
    implementation_plan = models.TextField(blank=True)
    test_plan = models.TextField(blank=True)
    communication_plan = models.TextField(blank=True)
    backout_plan = models.TextField(blank=True)
    model = TenantForeignKey(
        "governance.ChangeModel", related_name="changes", null=True, blank=True, verbose_name="change model"
    )
    model_version = models.PositiveIntegerField(null=True, blank=True, editable=False)
    risk_answers = models.JSONField(default=dict, blank=True, help_text="Answers to the risk questionnaire.")
    assessment = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="How the risk was found: by answers and by the past.",
    )
    risk_raised = models.CharField(max_length=8, choices=Risk.choices, blank=True)
    risk_raised_because = models.CharField(max_length=500, blank=True)
    assessed_at = models.DateTimeField(null=True, blank=True)
    affected = models.JSONField(
        default=list, blank=True, help_text="Keys of the configuration items it touches, as its author says."
    )
    backlog_item = models.JSONField(
        default=dict, blank=True, editable=False, help_text="The approved backlog item it was written for, as it reads now."
    )  # fmt: skip
    backlog_item_id = models.UUIDField(null=True, blank=True, editable=False)
    joint = models.BooleanField(
        "joint session",
        default=False,
        help_text="A high-impact fix: a problem manager signs besides the board.",
    )
    collisions = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="What it met on the calendar when it was submitted.",
    )
    decide_by = models.DateTimeField(null=True, blank=True, help_text="Votes are taken until then.")
    board_only = models.BooleanField(
        default=False, editable=False, help_text="A person objected to an approval by policy: people decide."
    )
    approved_by = models.CharField(
        "approved by", max_length=8, choices=ApprovedBy.choices, blank=True, editable=False
    )
    approval_ends_at = models.DateTimeField("approval lapses", null=True, blank=True, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    content = models.JSONField(
        default=dict, editable=False, help_text="What the board decides on, as of this revision."
    )
    content_digest = models.CharField(max_length=71, blank=True, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    approved_revision = models.PositiveIntegerField(null=True, blank=True, editable=False)
    approved_digest = models.CharField(max_length=71, blank=True, editable=False)
    approved_at = models.DateTimeField(null=True, blank=True)
    fell_because = models.CharField(max_length=200, blank=True, help_text="Why the last approval fell.")
    closing_note = models.TextField(blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("type", "change_type_known", "standard normal emergency"),
            known("risk", "change_risk_known", "low medium high"),
            known(
                "state",
                "change_state_known",
                "draft assessed awaiting_approval approved scheduled implementing completed closed rejected"
                " cancelled expired",
            ),
            models.CheckConstraint(
                condition=Q(window_starts__isnull=True, window_ends__isnull=True)
                | Q(window_ends__gt=F("window_starts")),
                name="change_window_ordered",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "scheduled", "implementing"])
                | Q(approved_revision=F("revision"), approved_digest=F("content_digest")),
                name="change_stands_on_its_content",
            ),
            models.UniqueConstraint(
                fields=["organization", "backlog_item_id"],
                condition=~Q(state__in=["rejected", "cancelled", "expired"]),
                name="change_once_for_a_backlog_item",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state", "window_starts"], name="change_by_state"),
            models.Index(fields=["organization", "board", "state"], name="change_of_board"),
            models.Index(fields=["organization", "model", "created_at"], name="change_of_model"),
            models.Index(fields=["organization", "service", "type"], name="change_of_service"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        path = [("changerequest", str(self.pk)), ("board", str(self.board_id))]
        if self.release is not None:
            path.append(("train", str(self.release.train_id)))
        elif self.service is not None:
            path.append(("service", str(self.service_id)))
            if self.service.train_id:
                path.append(("train", str(self.service.train_id)))
        return path

    @property
    def stands(self) -> bool:
        """Approved, at this very revision and content."""
        return (
            self.state in self.STANDING
            and self.approved_revision == self.revision
            and self.approved_digest == self.content_digest != ""
        )


class ChangeContributor(TenantModel):
    """Somebody who had a hand in the change and therefore may not decide it."""

    class Act(models.TextChoices):
        AUTHORED = "authored", "Wrote the change"
        CODED = "coded", "Wrote the code"
        RESOLVED = "resolved", "Resolved the problem"

    change = TenantForeignKey(ChangeRequest, related_name="contributors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    act = models.CharField(max_length=12, choices=Act.choices)
    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "change", "user", "act"], name="contributor_once"
            ),
            known("act", "contributor_act_known", "authored coded resolved"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_act_display()}"

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()


class Vote(TenantModel):
    """One vote on one revision. It is never changed; a new revision asks again."""

    class Choice(models.TextChoices):
        APPROVE = "approve", "Approve"
        CONDITIONS = "approve_with_conditions", "Approve with conditions"
        REJECT = "reject", "Reject"
        ABSTAIN = "abstain", "Abstain"

    change = TenantForeignKey(ChangeRequest, related_name="votes")
    board = TenantForeignKey(Board, related_name="+")
    revision = models.PositiveIntegerField()
    content_digest = models.CharField(max_length=71)
    voter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    cast_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    choice = models.CharField(max_length=24, choices=Choice.choices)
    rationale = models.TextField()
    cast_at = models.DateTimeField(default=now)
    append_only = True

    class Meta:
        ordering = ["cast_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "change", "revision", "voter"], name="vote_once_per_voter"
            ),
            models.UniqueConstraint(
                fields=["organization", "change", "revision", "cast_by"], name="vote_once_per_hand"
            ),
            known("choice", "vote_choice_known", "approve approve_with_conditions reject abstain"),
            models.CheckConstraint(condition=~Q(rationale=""), name="vote_has_rationale"),
        ]

    def __str__(self) -> str:
        return f"{self.voter}: {self.get_choice_display()}"

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()


class Condition(TenantModel):
    """What an approval was made to depend on; open ones keep the approvals check from passing."""

    change = TenantForeignKey(ChangeRequest, related_name="conditions")
    vote = TenantForeignKey(Vote, related_name="conditions")
    text = models.CharField(max_length=500)
    met_at = models.DateTimeField(null=True, blank=True)
    met_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    evidence = models.TextField(blank=True)
    history = tracked()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.text[:120]

    def scope_path(self) -> list[ScopeKey]:
        return self.change.scope_path()


class Meeting(TenantModel):
    """A board's meeting: its agenda is worked through item by item."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        RUNNING = "running", "Running"
        CLOSED = "closed", "Closed"

    board = TenantForeignKey(Board, related_name="meetings")
    starts_at = models.DateTimeField()
    minutes_per_item = models.PositiveSmallIntegerField(default=6)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    chair = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    current = TenantForeignKey("governance.AgendaItem", related_name="+", null=True, blank=True)
    current_since = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    minutes = models.TextField(blank=True)
    joint = models.BooleanField("joint session", default=False, help_text="Problem managers take part.")
    attendance = models.JSONField(default=list, blank=True, help_text="Who was there, and since when.")
    history = tracked()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [known("state", "meeting_state_known", "planned running closed")]

    def __str__(self) -> str:
        return f"{self.board} {self.starts_at:%d %b %Y %H:%M}"


class AgendaItem(TenantModel):
    """A change on the agenda of a meeting."""

    meeting = TenantForeignKey(Meeting, related_name="agenda")
    change = TenantForeignKey(ChangeRequest, related_name="agenda_items")
    position = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField(default=6, help_text="Its time box.")
    decision = models.CharField(max_length=300, blank=True, help_text="What became of it in the meeting.")
    notes = models.TextField(blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "meeting", "change"], name="agenda_item_once")
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.change.key}"

    def scope_path(self) -> list[ScopeKey]:
        return [("board", str(self.meeting.board_id))]


class ChangeDeployment(TenantModel):
    """Whether a deployment stood under an approved change; what did not is kept and shown, with the reason."""

    deployment = TenantForeignKey("trains.Deployment", related_name="authorisations")
    change = TenantForeignKey(ChangeRequest, related_name="deployments", null=True, blank=True)
    authorised = models.BooleanField()
    reason = models.CharField(max_length=300)
    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "deployment"], name="deployment_authorised_once"),
            models.CheckConstraint(
                condition=Q(authorised=False) | Q(change__isnull=False), name="authorised_by_a_change"
            ),
        ]
        indexes = [models.Index(fields=["organization", "created_at"], name="authorisation_by_time")]

    def __str__(self) -> str:
        return f"{self.deployment}: {'authorised' if self.authorised else 'not authorised'}"


def contents(change: ChangeRequest, release: dict[str, Any] | None) -> dict[str, Any]:
    """What a vote is about, as plain data: the plans, the window, and the release's own content.

    What a change does not have leaves no trace, so that the content of older ones stays what was approved.
    """
    more = {
        "model": f"{change.model.key} version {change.model_version}" if change.model else None,
        "risk_answers": change.risk_answers,
        "affected": change.affected,
        "joint": change.joint,
        "backlog_item": change.backlog_item,
    }
    return {
        "title": change.title,
        "type": change.type,
        "risk": change.risk,
        "service": str(change.service_id) if change.service_id else None,
        "environment": str(change.environment_id) if change.environment_id else None,
        "window": [m.isoformat() if m else None for m in (change.window_starts, change.window_ends)],
        "implementation_plan": change.implementation_plan,
        "test_plan": change.test_plan,
        "communication_plan": change.communication_plan,
        "backout_plan": change.backout_plan,
        "release": release,
        **{name: value for name, value in more.items() if value},
    }
