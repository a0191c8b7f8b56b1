"""Maintenance windows that are negotiated: proposed, objected to, moved, agreed by everybody whom they concern."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey

from .problem import Problem
from .vocabulary import known

OPEN, AGREES, OBJECTS = "open", "agrees", "objects"


class WindowProposal(KeyedModel):
    """A maintenance window proposed for a chronic problem, with the position of each stakeholder."""

    key_prefix = "MWP"

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        AGREED = "agreed", "Agreed"
        SUPERSEDED = "superseded", "Replaced by another proposal"
        WITHDRAWN = "withdrawn", "Withdrawn"

    problem = TenantForeignKey(Problem, related_name="window_proposals")
    name = models.CharField(max_length=120)
    first_day = models.DateField()
    first_time = models.TimeField()
    minutes = models.PositiveIntegerField()
    rrule = models.CharField("RRULE", max_length=300)
    time_zone = models.CharField(max_length=64)
    reason = models.TextField(help_text="What the problem costs in availability, and what the window is for.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    positions = models.JSONField(
        default=list, editable=False, help_text="Each stakeholder: open, agrees or objects, with the reason."
    )
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    replaces = TenantForeignKey("self", related_name="replaced_by", null=True, blank=True)
    window = TenantForeignKey("trains.RecurringWindow", related_name="proposals", null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["-created_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            known("state", "window_proposal_state_known", "proposed agreed superseded withdrawn"),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=10080), name="window_proposal_length"
            ),
            models.CheckConstraint(
                condition=Q(state="agreed", window__isnull=False)
                | (~Q(state="agreed") & Q(window__isnull=True)),
                name="window_proposal_agreed_is_set",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"[:200]

    def scope_path(self) -> list[ScopeKey]:
        return self.problem.scope_path()

    def position_of(self, user_id: Any) -> dict[str, Any] | None:
        """What the person said, or None if nobody asked them."""
        return next((p for p in self.positions if p["user"] == str(user_id)), None)

    @property
    def standing(self) -> str:
        """How many agree, object and are silent."""
        said = [p["stance"] for p in self.positions]
        parts = [f"{said.count(AGREES)} of {len(said)} agree"]
        if said.count(OBJECTS):
            parts.append(f"{said.count(OBJECTS)} object{'s' if said.count(OBJECTS) == 1 else ''}")
        return ", ".join(parts)
