"""Rounds of the confidence vote.

An anonymous round keeps who has voted and what was voted apart. While it is open, ballots lie sealed (encrypted) in
rows with random ids and no time. When it closes they are opened, shuffled and written anew in one transaction, and the
sealed ones are deleted: neither order, nor time, nor transaction, nor history leads from a voter to a ballot.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.tenancy.models import TenantForeignKey, TenantModel


class _OfRound(TenantModel):
    class Meta:
        abstract = True

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.round.pi.train_id))]  # type: ignore[attr-defined]


class ConfidenceRound(TenantModel):
    """One fist of five: opened, voted in, closed; after rework the next one."""

    class State(models.TextChoices):
        OPEN = "open", "Voting"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"

    pi = TenantForeignKey(
        "trains.ProgramIncrement", related_name="confidence_rounds", verbose_name="Program Increment"
    )
    number = models.PositiveSmallIntegerField()
    anonymous = models.BooleanField(default=False)
    quorum = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    rework = models.TextField("what was reworked before", blank=True)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    history = tracked()

    class Meta:
        verbose_name = "confidence round"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["pi", "number"], name="confidence_round_number_once"),
            models.UniqueConstraint(
                fields=["pi"], condition=Q(state="open"), name="confidence_round_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "closed", "cancelled"]), name="confidence_round_state_known"
            ),
            models.CheckConstraint(condition=Q(quorum__gte=1), name="confidence_round_quorum_from_one"),
        ]

    def __str__(self) -> str:
        return f"Confidence vote {self.number} of {self.pi}"

    @property
    def title(self) -> str:
        return f"Round {self.number}"

    def scope_path(self) -> list[ScopeKey]:
        return [("train", str(self.pi.train_id))]


class ConfidenceTurnout(_OfRound):
    """That somebody has voted in an anonymous round; never what."""

    append_only = True

    round = TenantForeignKey(ConfidenceRound, related_name="turnout")
    voter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["round", "voter"]
        constraints = [models.UniqueConstraint(fields=["round", "voter"], name="confidence_turnout_once")]

    def __str__(self) -> str:
        return str(self.voter)


class SealedBallot(_OfRound):
    """A ballot of an open anonymous round, unreadable in the table and without any time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = None
    round = TenantForeignKey(ConfidenceRound, related_name="sealed")
    content = models.BinaryField()

    def __str__(self) -> str:
        return "A sealed ballot"


class ConfidenceBallot(_OfRound):
    """An opened ballot of a closed anonymous round: fingers and words without a person."""

    append_only = True

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = None
    round = TenantForeignKey(ConfidenceRound, related_name="ballots")
    fingers = models.PositiveSmallIntegerField()
    comment = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["fingers", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(fingers__range=(1, 5)), name="confidence_ballot_1_to_5")
        ]

    def __str__(self) -> str:
        return f"{self.fingers} of 5"
