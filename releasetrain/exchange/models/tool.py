"""The tool catalogue: what an organization wants used, and which train uses what through which connector."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from trains.models.vocabulary import known


class ToolCategory(models.TextChoices):
    SOURCE = "source", "Source"
    CI = "ci", "Build and test"
    ARTIFACT = "artifact", "Artifacts"
    DEPLOYMENT = "deployment", "Deployment"
    MONITORING = "monitoring", "Monitoring"
    ISSUES = "issues", "Issue tracker"
    CHAT = "chat", "Chat"
    INCIDENT = "incident", "Incidents"
    SCANNER = "scanner", "Scanners"
    SECRETS = "secrets", "Secrets"


class Stance(models.TextChoices):
    ADOPT = "adopt", "Adopt"
    HOLD = "hold", "Hold: no new use"
    RETIRE = "retire", "Retire: move away"


class ConnectorKind(models.TextChoices):
    NONE = "", "None yet"
    SENDER = "eventsource", "Sender of events"
    ENDPOINT = "webhookendpoint", "Webhook endpoint"
    SERIES = "seriessource", "Series from Prometheus"
    FORGE = "forgeconnection", "Verdicts at a forge"
    REPORTS = "results", "Reports posted by pipelines"
    IMPORTS = "importrun", "Imports"


class ToolStandard(TenantModel):
    """What the organization says of one tool of a category: adopt, hold or retire; earlier words stay on record."""

    category = models.CharField(max_length=12, choices=ToolCategory.choices)
    tool = models.CharField(max_length=60)
    stance = models.CharField(max_length=8, choices=Stance.choices)
    since = models.DateField()
    reason = models.TextField()
    earlier = models.JSONField(default=list, editable=False, help_text="Earlier stances with their days.")
    history = tracked()

    class Meta:
        ordering = ["category", "tool"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "category", "tool"], name="tool_standard_once"),
            known("category", "tool_standard_category_known", ToolCategory),
            known("stance", "tool_standard_stance_known", Stance),
        ]

    def __str__(self) -> str:
        return f"{self.tool} ({self.get_category_display()})"


class ToolUse(TenantModel):
    """One tool that a train, or one team of it, uses, and the connector through which it is seen here."""

    train = TenantForeignKey("trains.Train", related_name="tool_uses")
    team = TenantForeignKey("trains.Team", related_name="tool_uses", null=True, blank=True)
    category = models.CharField(max_length=12, choices=ToolCategory.choices)
    tool = models.CharField(max_length=60)
    connector_kind = models.CharField(
        "connector", max_length=20, choices=ConnectorKind.choices, blank=True, default=ConnectorKind.NONE
    )
    connector = models.CharField(
        "connected through",
        max_length=200,
        blank=True,
        help_text="Id of the connector, or the name it posts by.",
    )
    since = models.DateField()
    ended_on = models.DateField(null=True, blank=True)
    exception_reason = models.TextField("why it may differ from the standard", blank=True)
    exception_until = models.DateField("may differ until", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["train", "category", "tool"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "train", "team", "category", "tool"],
                condition=Q(ended_on__isnull=True),
                name="tool_use_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("since")),
                name="tool_use_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(exception_until__isnull=True, exception_reason="")
                | (Q(exception_until__isnull=False) & ~Q(exception_reason="")),
                name="tool_use_exception_has_reason_and_end",
            ),
            models.CheckConstraint(
                condition=Q(connector_kind="", connector="") | (~Q(connector_kind="") & ~Q(connector="")),
                name="tool_use_connector_is_named",
            ),
            known("category", "tool_use_category_known", ToolCategory),
            known("connector_kind", "tool_use_connector_known", ConnectorKind),
        ]
        indexes = [models.Index(fields=["organization", "train", "category"], name="tool_use_by_train")]

    def __str__(self) -> str:
        return f"{self.tool} of {self.team or self.train}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))]
