"""The faces of what stands on the calendar beside releases: shared resources and their bookings."""

from __future__ import annotations

from releasetrain.interface.resources import Resource, register
from trains.models import Booking, SharedResource
from trains.pages.bookings import resource_page

register(
    Resource(
        SharedResource,
        plural="shared-resources",
        section="calendar",
        icon="plug",
        columns=("name", "kind", "capacity", "train", "environment", "decider", "retired_at"),
        filters=("kind", "train"),
        search=("name", "description"),
        order=("name",),
        lookup="name",
        template="trains/calendar_resource.html",
        context=resource_page,
    )
)
register(
    Resource(
        Booking,
        plural="bookings",
        section="calendar",
        icon="cal",
        columns=("key", "resource", "release", "starts", "ends", "state", "impact", "escalated_at"),
        filters=("resource", "release", "state", "impact"),
        search=("key", "purpose"),
        order=("-starts", "key"),
        select=("release",),
    )
)
