"""What trains plugs in: its own lines of the release calendar."""

from . import escalations  # noqa: F401 - registers what escalates
from .ports import calendar_events
from .queries import bookings, calendar

for source in (
    calendar.freezes,
    calendar.releases,
    calendar.increments,
    calendar.milestones,
    calendar.deployments,
    bookings.bookings,
):
    calendar_events(source)
