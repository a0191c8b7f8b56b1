"""Which production readiness reviews a service needs, and which stand; requirements and how they were measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from governance.models import ReadinessChecklist, ReadinessReview, ServiceRequirement
from governance.models.readiness import Obligation
from trains.models import Deployment, Environment, Service


@dataclass(frozen=True)
class Due:
    """What the rules ask of one service: the checklist that applies, whether it is due, and the review that counts."""

    service: Service
    checklist: ReadinessChecklist | None
    required: bool
    review: ReadinessReview | None

    def reason(self, at: datetime) -> str:
        """Why the review does not stand; empty when it does or none is due."""
        if not self.required or self.checklist is None:
            return ""
        review = self.review
        if review is None:
            return f"{self.service} (tier {self.service.tier}) has no production readiness review."
        if review.state != ReadinessReview.State.SIGNED_OFF:
            return f"{review.key} of {self.service} is {review.get_state_display().lower()}."
        if not review.stands(at):
            return f"{review.key} of {self.service} ran out on {review.valid_until:%Y-%m-%d}."
        if review.checklist.tier > self.service.tier:
            return f"{review.key} was for tier {review.checklist.tier}; {self.service} is tier {self.service.tier} now."
        return ""


def due_for(services: Iterable[Service]) -> list[Due]:
    """For each service: the checklist of its tier (its train's own before the general one) and its latest review."""
    listed = list(services)
    own: dict[tuple[UUID | None, int], ReadinessChecklist] = {
        (row.train_id, row.tier): row for row in ReadinessChecklist.objects.filter(retired_at__isnull=True)
    }
    released = set(
        Deployment.objects.filter(
            service__in=[s.pk for s in listed],
            outcome=Deployment.State.SUCCEEDED,
            environment__kind=Environment.Kind.PRODUCTION,
        )
        .order_by()
        .values_list("service_id", flat=True)
        .distinct()
    )
    reviews: dict[UUID, ReadinessReview] = {}
    rows = ReadinessReview.objects.filter(service__in=[s.pk for s in listed])
    for row in rows.select_related("checklist", "signed_by").order_by("created_at", "id"):
        known = reviews.get(row.service_id)
        # A review in work does not take away what an earlier one, signed off, still says.
        if known is None or known.state != known.State.SIGNED_OFF or row.state == row.State.SIGNED_OFF:
            reviews[row.service_id] = row
    found = []
    for service in listed:
        checklist = own.get((service.train_id, service.tier)) or own.get((None, service.tier))
        required = checklist is not None and (
            checklist.obligation == Obligation.ALWAYS or service.pk not in released
        )
        found.append(Due(service, checklist, required, reviews.get(service.pk)))
    return found


def requirements_of(services: Iterable[Service]) -> list[ServiceRequirement]:
    """The requirements in force of these services."""
    rows = ServiceRequirement.objects.filter(service__in=[s.pk for s in services], retired_at__isnull=True)
    return list(rows.select_related("service").order_by("service__name", "attribute", "indicator"))


def is_stale(requirement: ServiceRequirement, at: datetime) -> bool:
    """Measured longer ago than a measurement counts."""
    limit = timedelta(days=requirement.max_age_days)
    return requirement.measured_at is None or requirement.measured_at + limit <= at
