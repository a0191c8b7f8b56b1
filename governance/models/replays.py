"""Replays: what a changed gate would have said of past releases, beside what became of them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .gates import Gate, gate_scopes


class Replay(KeyedModel):
    """One replay of a set of checks: asked, worked on under a lease, then never changed again."""

    key_prefix = "RPL"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        DEAD = "dead", "Given up"

    gate = TenantForeignKey(Gate, related_name="replays")
    checks = models.JSONField(help_text="The candidate: as a gate version keeps them.")
    checks_digest = models.CharField(max_length=71)
    starts = models.DateTimeField("from")
    ends = models.DateTimeField("until")
    most = models.PositiveSmallIntegerField("releases at most")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    rows = models.JSONField(default=list, help_text="One entry for each past release.")
    counts = models.JSONField(default=dict)
    requested_by = models.UUIDField(null=True, blank=True)
    requested_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta(KeyedModel.Meta):
        ordering = ["-requested_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "dead"]), name="replay_state_known"
            ),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="replay_ends_after_start"),
            models.CheckConstraint(condition=Q(most__gte=1, most__lte=500), name="replay_bounded"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "requested_at"],
                condition=Q(state__in=["queued", "running"]),
                name="replay_at_work",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.gate.key}"

    @property
    def is_settled(self) -> bool:
        return self.state in (self.State.DONE, self.State.DEAD)

    def scope_path(self) -> list[ScopeKey]:
        return gate_scopes(self.gate)
