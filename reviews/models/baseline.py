"""What was usual before a release: the yardstick that is set before anybody knows how it went."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from problems.models.vocabulary import known
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import TenantForeignKey, TenantModel
from trains.models import Comparison
from trains.models.service import service_scopes


class ReviewBaseline(TenantModel):
    """The values of one indicator of a service before a release. It never changes: nobody moves the yardstick."""

    append_only = True

    release = TenantForeignKey("trains.Release", related_name="review_baselines")
    service = TenantForeignKey("trains.Service", related_name="review_baselines")
    metric = models.CharField(max_length=120)
    title = models.CharField(max_length=120)
    good = models.CharField("good is", max_length=8, choices=Comparison.choices, default=Comparison.AT_MOST)
    unit = models.CharField(max_length=20, blank=True)
    tolerance = models.FloatField(
        "tolerated change, %", default=0, help_text="A worse median by less than this is no finding."
    )
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    count = models.PositiveIntegerField("values")
    median = models.FloatField(null=True, blank=True)
    p95 = models.FloatField("95th percentile", null=True, blank=True)
    values = models.JSONField(default=list, help_text="The values, evenly thinned where there are very many.")
    set_at = models.DateTimeField("set", default=now)
    late = models.BooleanField(
        "set late",
        default=False,
        help_text="Set after the release began to be deployed, from history before it.",
    )

    class Meta:
        ordering = ["service__name", "metric"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "release", "service", "metric"], name="review_baseline_once"
            ),
            known("good", "review_baseline_good_known", "at_least at_most"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="review_baseline_span"),
        ]

    def __str__(self) -> str:
        return f"{self.title} of {self.service} before {self.release}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return [*service_scopes(self.service), ("train", str(self.release.train_id))]
