"""Onboarding: checklist templates, and the checklist a team gets when it joins a train."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .train import Team, Train


class ChecklistTopic(models.TextChoices):
    """What an item of a checklist is about."""

    COMPLIANCE = "compliance", "Compliance"
    TOOLING = "tooling", "Tooling"
    AGREEMENT = "agreement", "Working agreement"
    FAILURE_MODE = "failure_mode", "Known failure mode"


def _topic_known(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(topic__in=ChecklistTopic.values), name=name)


class ChecklistTemplate(TenantModel):
    """What teams have to settle when they join; of one train, or of every train."""

    train = TenantForeignKey(Train, related_name="checklist_templates", null=True, blank=True)
    name = models.CharField(max_length=120)
    failure_modes = models.BooleanField(
        "known failure modes",
        default=True,
        help_text="Adds what reviews of the train found to cause failures.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=Q(retired_at__isnull=True),
                name="checklist_template_name_once",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.train_id))] if self.train_id else []


class TemplateItem(TenantModel):
    """One item of a checklist template."""

    template = TenantForeignKey(ChecklistTemplate, related_name="items")
    position = models.PositiveSmallIntegerField()
    topic = models.CharField(max_length=12, choices=ChecklistTopic.choices)
    text = models.CharField(max_length=300)
    mandatory = models.BooleanField(default=True)
    history = tracked()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            _topic_known("template_item_topic_known"),
            models.UniqueConstraint(fields=["organization", "template", "text"], name="template_item_once"),
        ]

    def __str__(self) -> str:
        return self.text

    def scope_path(self) -> list[ScopeKey]:
        return self.template.scope_path()


class TeamOnboarding(TenantModel):
    """The checklist of one team that joined a train."""

    team = TenantForeignKey(Team, related_name="onboardings")
    train = TenantForeignKey(Train, related_name="onboardings")
    template = TenantForeignKey(ChecklistTemplate, related_name="onboardings")
    joined_at = models.DateTimeField()
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When the team left the train, or the checklist was replaced."
    )
    history = tracked()

    class Meta:
        ordering = ["-joined_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "team", "template"],
                condition=Q(ended_at__isnull=True),
                name="team_onboarding_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.team} joins {self.train}"

    def scope_path(self) -> list[ScopeKey]:
        return [("team", str(self.team_id)), ("train", str(self.train_id))]


class OnboardingItem(TenantModel):
    """One thing for a joining team to settle, with what shows that it is settled."""

    onboarding = TenantForeignKey(TeamOnboarding, related_name="items")
    position = models.PositiveSmallIntegerField()
    topic = models.CharField(max_length=12, choices=ChecklistTopic.choices)
    text = models.CharField(max_length=300)
    mandatory = models.BooleanField(default=True)
    source = models.CharField(max_length=120, blank=True, help_text="Where a known failure mode comes from.")
    evidence = models.CharField(max_length=500, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    history = tracked()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            _topic_known("onboarding_item_topic_known"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | ~Q(evidence=""), name="onboarding_item_done_is_shown"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "onboarding"],
                condition=Q(mandatory=True, done_at__isnull=True),
                name="onboarding_item_open",
            )
        ]

    def __str__(self) -> str:
        return self.text

    def scope_path(self) -> list[ScopeKey]:
        return self.onboarding.scope_path()
