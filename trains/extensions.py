"""What trains plugs in: its own lines of the release calendar, and further panels of the release cockpit."""

from . import escalations, notices  # noqa: F401 - register what escalates, and who is told of rollouts
from .pages import configuration, delivery, deployment_plans, panels, pipeline_templates
from .ports import calendar_events, cockpit_panels, rollout_blockers, service_panels
from .queries import bookings, calendar, ceremonies, closed_days, rollouts, windows

rollout_blockers(rollouts.freezes_of)

for source in (
    calendar.freezes,
    calendar.releases,
    calendar.increments,
    calendar.milestones,
    calendar.deployments,
    calendar.scope_changes,
    bookings.bookings,
    windows.window_events,
    windows.notices,
    closed_days.closed_events,
    ceremonies.slots,
):
    calendar_events(source)

for panel in (
    panels.broken_promises,
    panels.readiness,
    panels.data_migrations,
    panels.communication,
    configuration.release_configuration,
    delivery.rollouts_panel,
    deployment_plans.deployment_plans_panel,
    delivery.plans_panel,
    delivery.flags_panel,
):
    cockpit_panels(panel)

service_panels(delivery.drills_of_service)
service_panels(pipeline_templates.pipeline_of_service)
