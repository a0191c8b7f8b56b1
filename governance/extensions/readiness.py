"""What readiness, compliance and configuration plug in: their check kinds, and fresh verdicts when their facts change."""

from __future__ import annotations

from typing import Any

from governance.checks import configuration, readiness  # noqa: F401 - register their check kinds
from governance.gates import invalidate
from governance.pages.readiness import release_panel
from releasetrain.audit.doorway import register_effect
from releasetrain.kernel.actor import Actor
from trains.ports import cockpit_panels

# What one such act changes may concern any release: relations reach far, flags on backlog items any scope.
_FAR = (
    "configuration_item.create",
    "configuration_item.edit",
    "configuration_item.retire",
    "configuration_item.relate",
    "configuration_item.import_file",
    "configuration_item.import_rows",
    "configuration_item.tolerate",
    "configuration_relation.end",
    "configuration_observation.post",
    "configuration_observation.tolerate",
    "configuration_baseline.freeze",
    "tolerated_difference.end",
    "scope_flag.raise",
    "scope_flag.withdraw",
    "threat_model.approve",
    "threat_model.edit",
    "threat_model.add_threat",
    "threat_model.send_back",
    "threat_model.retire",
    "modelled_threat.set_controls",
    "modelled_threat.accept",
    "modelled_threat.dismiss",
    "modelled_threat.reopen",
    "security_test.post",
    "service_requirement.post_report",
    "readiness_checklist.create",
    "readiness_checklist.edit",
    "readiness_checklist.retire",
    "compliance_checkpoint.create",
    "compliance_checkpoint.retire",
)


def facts_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """Verdicts of this organization may no longer stand."""
    invalidate(organization=True)


for _verb in _FAR:
    register_effect(_verb, facts_changed)

cockpit_panels(release_panel)
