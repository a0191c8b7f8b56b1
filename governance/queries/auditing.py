"""Reading what auditors work with: how complete a population is, who is let in, what they have looked at."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from governance.models import AuditorAccess, AuditPopulation, AuditSample, PopulationGap
from releasetrain.audit.models import LedgerEntry
from releasetrain.interface.resources import Filter
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now

OPEN = Q(explanation="", resolved_at__isnull=True)
_STATES = {"open": OPEN, "explained": ~Q(explanation=""), "resolved": Q(resolved_at__isnull=False)}

GAP_STATE = Filter(
    "standing",
    "Standing",
    lambda rows, value: rows.filter(_STATES.get(value, Q(pk__in=[]))),
    (("open", "Not explained"), ("explained", "Explained"), ("resolved", "Gone")),
)


def gap_counts(population: AuditPopulation) -> list[dict[str, Any]]:
    """Per kind of gap: how many, and how many of them nobody has explained."""
    counted = (
        population.gaps.filter(resolved_at__isnull=True)
        .order_by()
        .values("kind")
        .annotate(total=Count("id"), left=Count("id", filter=OPEN))
        .order_by("kind")
    )
    return [{**row, "label": PopulationGap.Kind(row["kind"]).label} for row in counted]


def row_counts(sample: AuditSample) -> dict[str, int]:
    """How many rows are concluded how."""
    counted = sample.rows.order_by().values("conclusion").annotate(n=Count("id"))
    found = {row["conclusion"]: row["n"] for row in counted}
    return {"pass": found.get("pass", 0), "exception": found.get("exception", 0), "open": found.get("", 0)}


def readable_accesses(actor: Actor) -> QuerySet[AuditorAccess]:
    """All accesses for who manages members or reads the audit trail; an auditor sees their own."""
    rows = AuditorAccess.objects.all()
    if actor.may("members.manage"):
        return rows
    own = access_of(actor)
    if actor.may("audit.read") and own is None:
        return rows
    return rows.filter(user=actor.user_id) if actor.user_id else rows.none()


def access_of(actor: Actor) -> AuditorAccess | None:
    """The living access under which this person is an external auditor here; None for everybody else."""
    if actor.user_id is None or not actor.may_somewhere("audit.read"):
        return None
    moment = now()
    return (
        AuditorAccess.objects.filter(
            user=actor.user_id,
            state=AuditorAccess.State.ACTIVE,
            starts_at__lte=moment,
            ends_at__gt=moment,
        )
        .order_by("ends_at")
        .first()
    )


def views_of(access: AuditorAccess) -> QuerySet[LedgerEntry]:
    """What was looked at under this access, newest first."""
    return LedgerEntry.objects.filter(
        subject_kind="auditoraccess", subject_id=str(access.pk), verb="evidence.view"
    ).order_by("-id")
