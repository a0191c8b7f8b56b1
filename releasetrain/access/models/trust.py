"""Which ID tokens of which pipelines an organization trusts, and as whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from releasetrain.accounts.models import ServiceAccount
from releasetrain.audit.history import tracked
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class TrustRule(TenantModel):
    """A token of this issuer that says all this may act as the service account, for some minutes."""

    class System(models.TextChoices):
        GITHUB = "github", "GitHub Actions"
        GITLAB = "gitlab", "GitLab CI"
        OTHER = "other", "Another issuer"

    name = models.CharField(max_length=80)
    system = models.CharField(max_length=10, choices=System.choices, default=System.GITHUB)
    issuer = models.CharField(max_length=300, help_text="The claim iss, letter by letter.")
    audience = models.CharField(max_length=300, help_text="The claim aud, letter by letter.")
    service_account = TenantForeignKey(ServiceAccount, related_name="trust_rules")
    conditions = models.JSONField(help_text="Lines claim=pattern. Every claim must match one of its lines.")
    minutes = models.PositiveSmallIntegerField(default=15, help_text="How long an access lives.")
    pull_requests = models.BooleanField(
        default=False, help_text="Also tokens of pull requests and merge requests, which strangers can open."
    )
    disabled_at = models.DateTimeField("disabled", null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="trust_rule_name_once"),
            models.CheckConstraint(
                condition=Q(system__in=["github", "gitlab", "other"]), name="trust_rule_system_known"
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=15), name="trust_rule_short_lived"
            ),
            models.CheckConstraint(
                condition=~Q(issuer="") & ~Q(audience="") & ~Q(conditions=[]),
                name="trust_rule_pins_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def must_say(self) -> str:
        """What a token must say, in a line."""
        return ", ".join(self.conditions)
