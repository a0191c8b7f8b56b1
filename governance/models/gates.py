"""Gates, their published versions, and the evaluations that answer whether something may pass."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from releasetrain.audit.history import tracked
from releasetrain.kernel.actor import ScopeKey
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import KeyedModel, TenantForeignKey, TenantModel


class Verdict(models.TextChoices):
    """What a check or a gate says. Only pass and waived let anything through."""

    PASS = "pass", "Pass"
    FAIL = "fail", "Fail"
    PENDING = "pending", "Pending"
    ERROR = "error", "Error"
    WAIVED = "waived", "Waived"


class Gate(KeyedModel):
    """What must hold before something enters an environment of a train or a service; empty train and service mean all."""

    key_prefix = "GATE"

    class Mode(models.TextChoices):
        ACTIVE = "active", "Binding"
        SHADOW = "shadow", "Advisory"
        RETIRED = "retired", "Retired"

    train = TenantForeignKey("trains.Train", related_name="gates", null=True, blank=True)
    service = TenantForeignKey("trains.Service", related_name="gates", null=True, blank=True)
    environment = TenantForeignKey("trains.Environment", related_name="gates")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ACTIVE)
    history = tracked()

    class Meta(KeyedModel.Meta):
        ordering = ["environment__rank", "name"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "environment", "name"],
                condition=~Q(mode="retired"),
                name="gate_name_once",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["active", "shadow", "retired"]), name="gate_mode_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.name}"

    @property
    def guards(self) -> str:
        """What it stands before, in words."""
        whose = self.service or self.train
        return f"{self.environment} of {whose}" if whose else f"{self.environment}, everything"

    @property
    def current_version(self) -> GateVersion | None:
        """The version that evaluations use, or None before the first is published."""
        return self.versions.order_by("-number").first()


class GateVersion(TenantModel):
    """The checks of a gate as published. It never changes: an evaluation names the one it used."""

    append_only = True

    gate = TenantForeignKey(Gate, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    checks = models.JSONField(help_text="In order: kind, name, parameters, max_age_hours, waivable.")
    note = models.TextField(blank=True)
    published_at = models.DateTimeField(default=now)
    published_by = models.UUIDField(null=True)
    digest = models.CharField(max_length=71)

    class Meta:
        ordering = ["gate", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "gate", "number"], name="gate_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.gate.key} version {self.number}"

    def scope_path(self) -> list[ScopeKey]:
        return gate_scopes(self.gate)


class Evaluation(KeyedModel):
    """One answer of a gate about one release or artifact: asked, worked on under a lease, then never changed again.

    `subjects` names everything whose change could alter the answer, `stamp` how many changes of them had been seen
    before the facts were read: while the count stands, the answer stands (see `governance.gates`).
    """

    key_prefix = "EVAL"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        DEAD = "dead", "Given up"

    gate = TenantForeignKey(Gate, related_name="evaluations", db_index=False)
    gate_version = TenantForeignKey(GateVersion, related_name="evaluations", db_index=False)
    environment = TenantForeignKey("trains.Environment", related_name="evaluations", db_index=False)
    release = TenantForeignKey(
        "trains.Release", related_name="evaluations", null=True, blank=True, db_index=False
    )
    artifact = TenantForeignKey(
        "trains.Artifact", related_name="evaluations", null=True, blank=True, db_index=False
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    verdict = models.CharField(max_length=8, choices=Verdict.choices, null=True, blank=True)
    inputs_digest = models.CharField(max_length=71, blank=True)
    checks = models.JSONField(default=list)
    requested_at = models.DateTimeField(default=now)
    requested_by = models.UUIDField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    error = models.TextField(blank=True)
    subjects = ArrayField(models.UUIDField(), default=list)
    stamp = models.BigIntegerField(default=0)

    class Meta(KeyedModel.Meta):
        ordering = ["-requested_at", "-id"]
        constraints = [
            *KeyedModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "dead"]), name="evaluation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(verdict__isnull=True) | Q(verdict__in=["pass", "fail", "pending", "error"]),
                name="evaluation_verdict_known",
            ),
            # A verdict exists exactly when the work has ended, and work that was given up never passed.
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], verdict__isnull=True)
                | Q(state="done", verdict__isnull=False, finished_at__isnull=False, valid_until__isnull=False)
                | Q(state="dead", verdict="error", finished_at__isnull=False, valid_until__isnull=False),
                name="evaluation_verdict_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(release__isnull=False, artifact__isnull=True)
                | Q(release__isnull=True, artifact__isnull=False),
                name="evaluation_one_subject",
            ),
            # Asking twice while the work goes on gives the same evaluation.
            models.UniqueConstraint(
                fields=["organization", "gate", "release", "artifact"],
                condition=Q(state__in=["queued", "running"]),
                nulls_distinct=False,
                name="evaluation_one_at_work",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "gate", "-requested_at"], name="evaluation_of_gate"),
            models.Index(fields=["organization", "finished_at"], name="evaluation_finished"),
            models.Index(
                fields=["organization", "release", "gate", "-finished_at"],
                condition=Q(release__isnull=False),
                name="evaluation_of_release",
            ),
            models.Index(
                fields=["organization", "artifact", "gate", "-finished_at"],
                condition=Q(artifact__isnull=False),
                name="evaluation_of_artifact",
            ),
            models.Index(
                fields=["organization", "requested_at"],
                condition=Q(state__in=["queued", "running"]),
                name="evaluation_at_work",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def subject(self) -> Any:
        """The release or artifact that was judged."""
        return self.release if self.release_id else self.artifact

    @property
    def is_settled(self) -> bool:
        return self.state in (self.State.DONE, self.State.DEAD)

    def scope_path(self) -> list[ScopeKey]:
        return gate_scopes(self.gate)


class InputChange(TenantModel):
    """Something that evaluations read has changed: `weight` times, for one subject.

    Rows are only inserted (nobody waits for anybody) and later summed up by the sweeper; the sum of weights over a set
    of subjects grows with every change and never otherwise, so an unchanged sum means unchanged inputs.
    """

    subject = models.UUIDField()
    weight = models.PositiveBigIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(
                fields=["organization", "subject"], include=["weight"], name="input_change_of_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} +{self.weight}"


class SettledAnswer(TenantModel):
    """The ready answer to one question, so that asking a settled gate costs one indexed read.

    A cache that can only be late, never wrong: it counts while `stamp` equals the changes of its subjects and
    `valid_until` lies ahead. The evaluations it repeats are the record.
    """

    question = models.CharField(max_length=300)
    body = models.TextField()
    subjects = ArrayField(models.UUIDField())
    stamp = models.BigIntegerField()
    valid_until = models.DateTimeField()
    scopes = ArrayField(
        models.CharField(max_length=80), help_text="kind:id on any of which the right to ask counts."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "question"], name="settled_answer_once")
        ]

    def __str__(self) -> str:
        return self.question


def gate_scopes(gate: Gate) -> list[ScopeKey]:
    """The scopes on which a right over a gate counts."""
    path: list[ScopeKey] = []
    if gate.service_id:
        path.append(("service", str(gate.service_id)))
    if gate.train_id:
        path.append(("train", str(gate.train_id)))
    return path
