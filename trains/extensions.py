"""What trains plugs in: its own lines of the release calendar."""

from . import escalations
from .ports import calendar_events
from .queries import calendar

for source in (
    calendar.freezes,
    calendar.releases,
    calendar.increments,
    calendar.milestones,
    calendar.deployments,
):
    calendar_events(source)
