"""Time series of what runs: measurements posted or pulled, in blocks, kept as long as a policy says."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel

from .secret_reference import SecretReference
from .service import Environment, Service, service_scopes
from .vocabulary import known


class SeriesKind(models.TextChoices):
    GAUGE = "gauge", "Gauge: a value at a moment"
    COUNTER = "counter", "Counter: grows, and starts anew with its process"


class SeriesSource(TenantModel):
    """A question to a Prometheus server, asked again and again; its answers are series."""

    service = TenantForeignKey(Service, related_name="series_sources", null=True, blank=True)
    environment = TenantForeignKey(Environment, related_name="series_sources", null=True, blank=True)
    name = models.CharField("series", max_length=200, help_text="What the answers are stored as.")
    address = models.URLField(help_text="Of the Prometheus server, e.g. https://prometheus.example:9090.")
    expression = models.CharField(max_length=2000, help_text="A query in PromQL.")
    kind = models.CharField(max_length=8, choices=SeriesKind.choices, default=SeriesKind.GAUGE)
    unit = models.CharField(max_length=30, blank=True)
    step_seconds = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(5), MaxValueValidator(3600)]
    )
    secret = TenantForeignKey(
        SecretReference,
        related_name="series_sources",
        null=True,
        blank=True,
        help_text="Where in Vault the password or token lies. Its value is read for each request and kept nowhere.",
    )
    secret_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name="may use the secret",
        related_name="+",
        null=True,
        editable=False,
        help_text="Who pointed the secret at this address. It is sent only while they may use it.",
    )
    login = models.CharField(
        "user name",
        max_length=120,
        blank=True,
        default="",
        help_text="With a secret: its password is sent for this user. Empty: the secret is a bearer token.",
    )
    enabled = models.BooleanField(default=True)
    last_error = models.CharField(max_length=300, blank=True)
    history = tracked()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name", "address", "expression", "service", "environment"],
                name="series_source_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(step_seconds__gte=5, step_seconds__lte=3600), name="series_source_step"
            ),
            known("kind", "series_source_kind_known", SeriesKind),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.address}"

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service else []


class Series(TenantModel):
    """One series: a name with labels, of a service in an environment or of the organization."""

    service = TenantForeignKey(Service, related_name="series", null=True, blank=True, db_index=False)
    environment = TenantForeignKey(Environment, related_name="series", null=True, blank=True, db_index=False)
    name = models.CharField(max_length=200)
    labels = models.JSONField(default=dict, blank=True)
    kind = models.CharField(max_length=8, choices=SeriesKind.choices, default=SeriesKind.GAUGE)
    unit = models.CharField(max_length=30, blank=True)
    description = models.CharField(max_length=300, blank=True)
    source = TenantForeignKey(SeriesSource, related_name="series", null=True, blank=True, db_index=False)
    first_at = models.DateTimeField("first value", null=True, blank=True)
    last_at = models.DateTimeField("last value", null=True, blank=True)
    last_value = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name", "service", "environment", "labels"],
                name="series_once",
                nulls_distinct=False,
            ),
            known("kind", "series_kind_known", SeriesKind),
        ]
        indexes = [
            models.Index(fields=["organization", "service", "name"], name="series_of_service"),
            models.Index(fields=["organization", "source"], name="series_of_source"),
        ]

    def __str__(self) -> str:
        labels = ", ".join(f'{key}="{value}"' for key, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}" if labels else self.name

    def scope_path(self) -> list[ScopeKey]:
        return service_scopes(self.service) if self.service else []


class SeriesBlock(TenantModel):
    """A stretch of points of one series: as they came (an hour) or rolled up to five minutes (a day) or an hour (a week)."""

    series = TenantForeignKey(Series, related_name="blocks", db_index=False, on_delete=models.CASCADE)
    step = models.PositiveSmallIntegerField(help_text="Seconds between points; 0: as they came.")
    starts_at = models.DateTimeField()
    offsets = ArrayField(models.IntegerField(), help_text="Milliseconds from the start, in order.")
    values = ArrayField(models.FloatField())
    lows = ArrayField(models.FloatField(), default=list)
    highs = ArrayField(models.FloatField(), default=list)
    counts = ArrayField(models.IntegerField(), default=list)

    class Meta:
        ordering = ["series", "step", "starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["series", "step", "starts_at"], name="series_block_once"),
            models.CheckConstraint(condition=Q(step__in=[0, 300, 3600]), name="series_block_step_known"),
        ]
        indexes = [
            models.Index(fields=["organization", "step", "starts_at"], name="series_block_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.step} s from {self.starts_at:%Y-%m-%d %H:%M}"


class SeriesPolicy(TenantModel):
    """How long points are kept, for series whose name begins so; the longest beginning that fits counts."""

    beginning = models.CharField(
        "names beginning with", max_length=200, blank=True, help_text="Empty: all that no other policy names."
    )
    raw_days = models.PositiveSmallIntegerField("days as posted", default=14)
    fine_days = models.PositiveSmallIntegerField("days by five minutes", default=90)
    coarse_days = models.PositiveSmallIntegerField("days by the hour", default=750)
    history = tracked()

    class Meta:
        ordering = ["beginning"]
        verbose_name_plural = "series policies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "beginning"], name="series_policy_once"),
            models.CheckConstraint(
                condition=Q(raw_days__gte=1)
                & Q(fine_days__gte=models.F("raw_days"))
                & Q(coarse_days__gte=models.F("fine_days")),
                name="series_policy_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beginning}…" if self.beginning else "All other series"
