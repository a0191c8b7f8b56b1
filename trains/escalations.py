"""What of trains' own objects escalates: promises between trains, and bookings that wait for a taken resource."""

from __future__ import annotations

from collections.abc import Iterable

from .escalating import Waiting, escalates, last_changes
from .models import Booking, Train, TrainDependency


@escalates("traindependency", "Dependencies between trains")
def train_dependencies(train: Train | None) -> Iterable[Waiting]:
    """Proposed without an answer, or at risk; they wait since they were last changed."""
    rows = TrainDependency.objects.filter(state__in=("proposed", "at_risk"))
    if train is not None:
        rows = rows.filter(provider=train)
    found = list(rows.select_related("provider", "consumer"))
    changed = last_changes(found)
    for row in found:
        label = f"{row.consumer.key} needs of {row.provider.key}: {row.what}"
        yield Waiting(row.pk, label, changed.get(row.pk, row.created_at), row.provider_id)


@escalates("booking", "Bookings that wait for a shared resource")
def waiting_bookings(train: Train | None) -> Iterable[Waiting]:
    """In the queue since they were made, or since somebody escalated them."""
    rows = Booking.objects.filter(state=Booking.State.QUEUED)
    if train is not None:
        rows = rows.filter(release__train=train)
    for row in rows.select_related("resource", "release"):
        label = f"{row.key} of {row.release.key} waits for {row.resource}"
        yield Waiting(row.pk, label, row.escalated_at or row.created_at, row.release.train_id)
