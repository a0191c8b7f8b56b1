"""Verdicts told to forges: connections with GitHub and GitLab, and what each commit shows there."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.exchange.rules.forges import FORMS, SAYS
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class ForgeConnection(TenantModel):
    """A forge that shows verdicts at commits, with the credential that may post there."""

    name = models.CharField(max_length=80)
    form = models.CharField("posts", max_length=20, choices=FORMS)
    url = models.CharField("address of its API", max_length=300)
    host = models.CharField("host of its pages", max_length=253, blank=True, editable=False)
    sealed_credential = models.TextField(editable=False)
    app = models.CharField("GitHub App", max_length=40, blank=True)
    installation = models.CharField("installation of the App", max_length=20, blank=True)
    context = models.CharField(max_length=60, default="release-train")
    repositories = models.JSONField(default=dict, blank=True, help_text="Our service: its repository there.")
    listed_only = models.BooleanField("only listed services", default=False)
    since = models.DateTimeField("posts verdicts since", default=now)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    history = tracked(excluded_fields=["sealed_credential", "failing_since"])

    never_logged = ("sealed_credential",)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="forge_connection_name_once"),
            models.CheckConstraint(
                condition=Q(form__in=[value for value, _ in FORMS]), name="forge_connection_form_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def prepare_save(self) -> None:
        super().prepare_save()
        host = urlsplit(self.url).hostname or ""
        self.host = "github.com" if host == "api.github.com" else host


class ForgeStatus(TenantModel):
    """What one commit shows of one gate: the state that is wanted, and whether the forge has it.

    Not a message but a state: what is posted is always the newest, so that nothing old overwrites something newer, and
    a post that is repeated says the same. `answers` names the last evaluation of each thing that the commit is part of.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Posted"
        FAILED = "failed", "Failed"

    connection = TenantForeignKey(ForgeConnection, related_name="statuses")
    gate = TenantForeignKey("governance.Gate", related_name="forge_statuses")
    evaluation = TenantForeignKey("governance.Evaluation", related_name="forge_statuses")
    repository = models.CharField(max_length=300)
    commit = models.CharField(max_length=64)
    context = models.CharField(max_length=200)
    answers = models.JSONField(default=dict, editable=False)
    says = models.CharField(max_length=10, choices=SAYS)
    description = models.CharField(max_length=140)
    revision = models.PositiveIntegerField(default=0, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    log = models.JSONField(default=list, blank=True, help_text="Every attempt: when, what, the answer.")
    posted = models.CharField("last posted", max_length=10, choices=SAYS, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "forge statuses"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "connection", "repository", "commit", "gate"],
                name="forge_status_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "delivered", "failed"]), name="forge_status_state_known"
            ),
            models.CheckConstraint(
                condition=Q(says__in=[value for value, _ in SAYS]), name="forge_status_says_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(due_at__isnull=False), name="forge_status_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="forge_status_recent"),
            models.Index(
                fields=["organization", "due_at"], condition=Q(state="waiting"), name="forge_status_due"
            ),
            models.Index(
                fields=["organization", "id"], condition=Q(says="pass"), name="forge_status_standing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.context} at {self.repository}@{self.commit[:10]}"
