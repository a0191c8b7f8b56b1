"""Verbs of configuration audits: drawn up from the facts, concluded by a person who answers for none of the items."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from governance.models import ConfigurationAudit
from governance.models.configuration_audits import AuditConclusion
from governance.queries.configuration_audits import facts_digest, report_of
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Environment, Release

explain_constraint(
    "configuration_audit_concluded_by_another", "Whoever opened an audit does not conclude it."
)


@action(
    "configuration_audit.open",
    creates=ConfigurationAudit,
    requires="releases.manage",
    within="release",
    label="Open a configuration audit",
)
def open_audit(
    actor: Actor, *, release: Release, environment: Annotated[Environment, Field("For environment")]
) -> ConfigurationAudit:
    """Draw up what is, what should be, and who accepted the rest, for an auditor to conclude."""
    if actor.user_id is None:
        refuse("configuration_audit.person", "A person opens an audit.", status=403)
    running = ConfigurationAudit.objects.filter(
        release=release, environment=environment, conclusion=""
    ).first()
    if running:
        refuse(
            "configuration_audit.runs",
            f"{running.key} of {release} is open.",
            remedy="Refresh and conclude it.",
            blocked_by=Ref.of(running),
            field="release",
        )
    moment = now()
    report = report_of(release, environment, moment)
    if not report["items"]:
        refuse(
            "configuration_audit.nothing",
            f"No configuration item stands for what {release} carries.",
            remedy="Attach its artifacts, and add items for their services.",
            field="release",
        )
    return ConfigurationAudit.objects.create(
        release=release,
        environment=environment,
        report=report,
        report_digest=facts_digest(report),
        drawn_up_at=moment,
        opened_by_id=actor.user_id,
    )


@action(
    "configuration_audit.refresh",
    on=ConfigurationAudit,
    requires="releases.manage",
    label="Draw up again",
)
def refresh_audit(actor: Actor, audit: ConfigurationAudit) -> ConfigurationAudit:
    """Draw the report up again from the facts as they are now."""
    _open(audit)
    audit.drawn_up_at = now()
    audit.report = report_of(audit.release, audit.environment, audit.drawn_up_at)
    audit.report_digest = facts_digest(audit.report)
    audit.save()
    return audit


def _open(audit: ConfigurationAudit) -> None:
    if audit.conclusion:
        refuse(
            "configuration_audit.concluded",
            f"{audit.key} is concluded.",
            remedy="Open another audit.",
            blocked_by=Ref.of(audit),
        )


@action("configuration_audit.conclude", on=ConfigurationAudit, requires="controls.manage")
def conclude_audit(
    actor: Actor,
    audit: ConfigurationAudit,
    *,
    conclusion: Annotated[AuditConclusion, Field("Conclusion")],
    statement: Annotated[str, Field("Statement", help="What you looked at, and what you found.", long=True)],
    valid_days: Annotated[int, Field("Counts for days", min=1, max=365)] = 30,
) -> ConfigurationAudit:
    """Conclude an audit; never as its opener or as the owner of an item in it."""
    _open(audit)
    if actor.user_id is None or actor.user_id == audit.opened_by_id:
        refuse("configuration_audit.own", "You opened this audit; somebody else concludes it.", status=403)
    if str(actor.user_id) in audit.report["owners"]:
        refuse(
            "configuration_audit.owner",
            "You answer for an item in this audit; somebody else concludes it.",
            remedy="Ask another person who may manage controls.",
            status=403,
        )
    if not statement.strip():
        refuse("configuration_audit.statement", "Say what you looked at.", field="statement")
    moment = now()
    present = report_of(audit.release, audit.environment, moment)
    if facts_digest(present) != audit.report_digest:
        refuse(
            "configuration_audit.outdated",
            "The facts have changed since the report was drawn up.",
            remedy="Draw it up again, and look at it.",
        )
    report = audit.report
    bad = report["open"] or report["unseen"]
    if conclusion != AuditConclusion.FAILS and bad:
        refuse(
            "configuration_audit.open_differences",
            f"{report['open']} differences are open and {len(report['unseen'])} items were never seen:"
            " this does not conform.",
            remedy="Resolve them, or have them accepted with a reason.",
            field="conclusion",
        )
    if conclusion == AuditConclusion.CONFORMS and report["accepted"]:
        refuse(
            "configuration_audit.exceptions",
            f"{report['accepted']} differences are accepted: it conforms with accepted exceptions.",
            field="conclusion",
        )
    audit.conclusion = conclusion
    audit.statement = statement.strip()
    audit.concluded_by_id, audit.concluded_at = actor.user_id, moment
    audit.valid_until = moment + timedelta(days=valid_days)
    audit.save()
    return audit
