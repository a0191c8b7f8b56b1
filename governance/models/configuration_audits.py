"""Configuration audits before a release: what is, what should be, who accepted the rest."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey


class AuditConclusion(models.TextChoices):
    """What an audit came to."""

    CONFORMS = "conforms", "Conforms"
    EXCEPTIONS = "exceptions", "Conforms with accepted exceptions"
    FAILS = "fails", "Does not conform"


class ConfigurationAudit(KeyedModel):
    """An audit of the configuration that a release meets: the report as it stood, and a person's conclusion."""

    key_prefix = "CFA"
    Conclusion = AuditConclusion

    release = TenantForeignKey("trains.Release", related_name="configuration_audits")
    environment = TenantForeignKey("trains.Environment", related_name="configuration_audits")
    report = models.JSONField(help_text="What is, what should be, and who accepted the rest.")
    report_digest = models.CharField(max_length=71)
    drawn_up_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    conclusion = models.CharField(max_length=12, choices=Conclusion.choices, blank=True, default="")
    statement = models.TextField(blank=True)
    concluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    concluded_at = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(conclusion__in=["", "conforms", "exceptions", "fails"]),
                name="configuration_audit_conclusion_known",
            ),
            models.CheckConstraint(
                condition=Q(conclusion="", concluded_by__isnull=True)
                | (
                    Q(concluded_by__isnull=False, concluded_at__isnull=False, valid_until__isnull=False)
                    & ~Q(conclusion="")
                    & ~Q(statement="")
                ),
                name="configuration_audit_concluded_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(concluded_by__isnull=True) | ~Q(concluded_by=F("opened_by")),
                name="configuration_audit_concluded_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "release", "-concluded_at"], name="config_audit_of_release")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.release}"

    @property
    def title(self) -> str:
        """What links say beside the key."""
        return f"Configuration of {self.release} for {self.environment}"

    @property
    def standing(self) -> str:
        """Where it is, in a word or two."""
        return self.get_conclusion_display() if self.conclusion else "Open"

    def stands(self, at: datetime) -> bool:
        """Concluded well, and not run out."""
        good = self.conclusion in (self.Conclusion.CONFORMS, self.Conclusion.EXCEPTIONS)
        return bool(good and self.valid_until and self.valid_until > at)

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.release.train_id))]
