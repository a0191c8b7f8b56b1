"""What problems plug into lower floors: checks, effects on releases and changes, severities, the cockpit's panel."""

from releasetrain.audit.doorway import register_effect
from trains.ports import defect_severities, marker_reasons

from . import (  # noqa: F401 - register check kinds, controls, evidence, joint sessions, notices, outcomes, blockers of rollouts
    checks,
    checks_fixes,
    checks_recurrence,
    controls,
    evidence,
    joint_sessions,
    notices,
    outcomes,
    rollouts,
)
from .actions import deviations, following, problems, staged_fixes
from .pages import panel  # noqa: F401 - registers the cockpit's panel
from .queries.defects import severity_of_defect
from .queries.staged_fixes import why_staged

defect_severities(severity_of_defect)
marker_reasons(why_staged)
for _verb in (
    "problem.edit",
    "problem.reopen",
    "problem.link_incident",
    "incident.edit",
    "incident.set_services",
):
    register_effect(_verb, staged_fixes.defect_changed)
register_effect("release.remove_item", problems.item_removed)
register_effect("release.cancel", problems.release_cancelled)
for _verb in ("release.freeze", "change.create"):
    register_effect(_verb, following.name_resolvers_of_release)
register_effect("release.add_item", deviations.item_after_freeze)
register_effect("change.submit", deviations.emergency_submitted)
register_effect("deployment.record", deviations.deployed_in_freeze)
register_effect("waiver.grant", deviations.check_waived)
register_effect("duty_exception.grant", deviations.duty_excepted)
