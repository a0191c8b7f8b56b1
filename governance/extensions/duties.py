"""What segregated duties plug in: guards at the acts, notes of refusals, the panel of the release cockpit."""

from typing import Any

from governance.actions import keeping_apart
from governance.evidence import duties as evidence  # noqa: F401 - registers its records
from governance.models import ChangeRequest
from governance.pages.duties import duties_panel
from governance.pages.rollbacks import rule_lines
from governance.queries.rollbacks import rule_for
from releasetrain.audit.doorway import observe_refusals, register_effect, register_guard
from trains.ports import Panel, ServicePanel, cockpit_panels, service_panels

register_guard("change.vote", keeping_apart.voters_are_apart)
register_guard("deployment.record", keeping_apart.deployers_are_apart)
register_guard("deployment.validate", keeping_apart.validators_are_apart)
register_guard("result.post", keeping_apart.testers_are_apart)
register_effect("deployment.record", keeping_apart.exception_used)
register_effect("deployment.validate", keeping_apart.exception_used)
observe_refusals(keeping_apart.note_near_miss)


@cockpit_panels
def release_duties(request: Any, release: Any) -> Panel | None:
    """Who did what on the release's change, and who may still approve it."""
    dead = (ChangeRequest.State.CANCELLED, ChangeRequest.State.REJECTED)
    change = (
        ChangeRequest.objects.filter(release=release).exclude(state__in=dead).order_by("-created_at").first()
    )
    if change is None:
        return None
    return "Duties", "governance/_duties.html", {"duties": duties_panel(request, change)}, 60


@service_panels
def rollback_of_service(request: Any, service: Any) -> ServicePanel | None:
    """Who may order a rollback of the service, and how quickly it has to be back."""
    rule = rule_for(service)
    return ("governance/_rollback_rule.html", rule_lines(rule), 50) if rule is not None else None
