"""External auditors' access: who was let in, to what, from when until when; and packages made on schedule."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class AuditorAccess(KeyedModel):
    """An external auditor's access. It begins when the person accepts and ends by itself."""

    key_prefix = "AUD"

    class State(models.TextChoices):
        INVITED = "invited", "Invited"
        ACTIVE = "active", "Active"
        ENDED = "ended", "Ended"
        WITHDRAWN = "withdrawn", "Withdrawn"

    email = models.EmailField("e-mail address", max_length=254)
    firm = models.CharField(max_length=120)
    purpose = models.CharField(max_length=200)
    train = TenantForeignKey(
        "trains.Train",
        related_name="auditor_accesses",
        null=True,
        blank=True,
        help_text="Empty: the whole organization.",
    )
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    watermark = models.BooleanField(
        default=True, help_text="Pages and downloads carry the auditor's name and this access."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.INVITED)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="auditor_accesses"
    )
    grant = TenantForeignKey("accounts.Grant", related_name="auditor_accesses", null=True, blank=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="Why it was withdrawn.")
    history = tracked()

    class Meta(KeyedModel.Meta):
        verbose_name_plural = "auditor accesses"
        ordering = ["-created_at"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["invited", "active", "ended", "withdrawn"]),
                name="auditor_access_state_known",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="auditor_access_bounded"),
            models.CheckConstraint(
                condition=~Q(state="active")
                | Q(user__isnull=False, grant__isnull=False, accepted_at__isnull=False),
                name="auditor_access_active_is_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "ends_at"],
                condition=Q(state__in=["invited", "active"]),
                name="auditor_access_ending",
            ),
            models.Index(fields=["organization", "user"], name="auditor_access_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.firm}"

    @property
    def title(self) -> str:
        return f"{self.email}, {self.firm}"

    def scope_path(self) -> list[ScopeKey]:
        return [("auditoraccess", str(self.pk))]


class PackageSchedule(TenantModel):
    """Packages about each past week, month, quarter or year, made by rule when it is over."""

    class Every(models.TextChoices):
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        QUARTER = "quarter", "Quarter"
        YEAR = "year", "Year"

    name = models.CharField(max_length=80)
    every = models.CharField(max_length=8, choices=Every.choices, default=Every.QUARTER)
    about_kind = models.CharField(
        max_length=20, blank=True, help_text="Empty: everything of the period. Else a kind of subject."
    )
    about_id = models.UUIDField(null=True, blank=True)
    about_label = models.CharField("about", max_length=200, blank=True)
    begins = models.DateTimeField(help_text="No period that ends before this is packed.")
    packed_until = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="package_schedule_name_once"),
            models.CheckConstraint(
                condition=Q(every__in=["week", "month", "quarter", "year"]),
                name="package_schedule_every_known",
            ),
            models.CheckConstraint(
                condition=Q(about_kind="", about_id__isnull=True)
                | ~Q(about_kind="") & Q(about_id__isnull=False),
                name="package_schedule_about_one",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        return "paused" if self.paused_at else "active"
