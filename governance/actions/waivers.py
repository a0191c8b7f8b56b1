"""Verbs of waivers: one person asks, another decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from governance.gates import invalidate
from governance.models import Gate, Waiver
from governance.queries.subjects import meets, subject_of
from governance.queries.waivers import builds_digest, deciding_role, holds
from governance.states.gates import WAIVER_STATES
from releasetrain.accounts.catalogue import Role
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import Artifact, Release

LONGEST = timedelta(days=90)

explain_constraint("waiver_not_by_requester", "A waiver is never granted by whoever asked for it.")


@action("waiver.request", creates=Waiver, requires="gates.ask", within="release", label="Request a waiver")
def request_waiver(
    actor: Actor,
    *,
    gate: Gate,
    check: Annotated[str, Field("Check", help="The name of the check at the gate.", max_length=80)],
    reason: Annotated[str, Field("Reason", help="Why the check cannot pass now.", long=True)],
    risk: Annotated[str, Field("Risk", help="What may go wrong if it is let through.", long=True)],
    mitigation: Annotated[str, Field("Mitigation", help="What is done against that meanwhile.", long=True)],
    expires_at: Annotated[
        datetime, Field("Expires", help="At most 90 days. Then the check fails the gate again.")
    ],
    release: Annotated[Release | None, Field("Release", help="Either a release or an artifact.")] = None,
    artifact: Annotated[Artifact | None, Field("Artifact")] = None,
) -> Waiver:
    """Ask for a failing check to be let through for a while."""
    if (release is None) == (artifact is None):
        refuse("waiver.subject", "A waiver is for a release or for an artifact.", field="release")
    subject = subject_of(release, artifact)
    if not actor.may("gates.ask", subject.object):
        refuse("permission.missing", "You need the permission gates.ask there.", status=403)
    if actor.user_id is None:
        refuse("waiver.person", "A waiver is asked for by a person or a service account.", status=403)
    version = gate.current_version
    spec = next((c for c in version.checks if c["name"] == check), None) if version else None
    if spec is None:
        known = ", ".join(c["name"] for c in version.checks) if version else "none"
        refuse("waiver.check", f"{gate} has no check {check}.", remedy=f"Its checks: {known}.", field="check")
    if not spec["waivable"]:
        refuse(
            "waiver.not_waivable", f"The gate does not allow {check} to be waived.", blocked_by=Ref.of(gate)
        )
    if not meets(gate, subject):
        refuse("gate.not_met", f"{gate} does not stand before {subject.object}.", field="gate")
    _in_time(expires_at)
    return Waiver.objects.create(
        gate=gate,
        check_name=check,
        release=release,
        artifact=artifact,
        builds=builds_digest(subject.artifacts),
        requested_by_id=actor.user_id,
        reason=reason,
        risk=risk,
        mitigation=mitigation,
        expires_at=expires_at,
    )


@action(
    "waiver.grant",
    on=Waiver,
    requires="waivers.grant",
    machine=WAIVER_STATES,
    step_up=True,
    confirm="The check no longer holds up this release or artifact until the waiver expires.",
)
def grant_waiver(
    actor: Actor, waiver: Waiver, *, decision: Annotated[str, Field("Why it is acceptable", long=True)]
) -> Waiver:
    """Let the check through until the waiver expires."""
    _in_time(waiver.expires_at)
    _decided(actor, waiver, decision)
    return waiver


@action("waiver.refuse", on=Waiver, requires="waivers.grant", machine=WAIVER_STATES)
def refuse_waiver(
    actor: Actor, waiver: Waiver, *, decision: Annotated[str, Field("Why not", long=True)]
) -> Waiver:
    """Do not let the check through."""
    _decided(actor, waiver, decision)
    return waiver


@action(
    "waiver.revoke",
    on=Waiver,
    requires="waivers.grant",
    machine=WAIVER_STATES,
    danger=True,
    confirm="The check fails the gate again at once.",
)
def revoke_waiver(
    actor: Actor, waiver: Waiver, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Waiver:
    """Take a waiver back."""
    waiver.decision = "\n".join(filter(None, (waiver.decision, f"Revoked: {reason}")))
    invalidate(gate=waiver.gate_id)
    return waiver


def _decided(actor: Actor, waiver: Waiver, decision: str) -> None:
    waiver.granted_by_id = actor.user_id
    waiver.decision = decision
    waiver.decided_at = now()
    invalidate(gate=waiver.gate_id)


def _in_time(expires_at: datetime) -> None:
    moment = now()
    if expires_at <= moment:
        refuse(
            "waiver.expired",
            "The waiver would have expired already.",
            remedy="Ask for one with a later end.",
            field="expires_at",
        )
    if expires_at > moment + LONGEST:
        refuse("waiver.too_long", "A waiver lasts at most 90 days.", field="expires_at")


def _not_the_requester(actor: Actor, waiver: Waiver, params: object) -> Refusal | None:
    """Four eyes: neither whoever asked nor somebody acting for them decides."""
    if actor.kind != "person" or actor.user_id is None:
        return Refusal("waiver.person", "A waiver is decided by a person.", status=403)
    if waiver.requested_by_id in (actor.user_id, actor.on_behalf_of):
        return Refusal(
            "waiver.own",
            "You asked for this waiver, so somebody else decides.",
            remedy="A compliance officer who did not ask can decide.",
            blocked_by=Ref.of(waiver),
            status=403,
        )
    return None


def _by_the_named_role(actor: Actor, waiver: Waiver, params: object) -> Refusal | None:
    """The gate names the role that may waive the check; whatever else somebody may do does not count."""
    role = Role(deciding_role(waiver.gate, waiver.check_name))
    about = [("train", str(waiver.release.train_id))] if waiver.release else waiver.subject.scope_path()
    if actor.user_id and holds(actor.user_id, role, [*waiver.scope_path(), *about], now()):
        return None
    return Refusal(
        "waiver.role",
        f"The gate lets only a {role.label} decide about {waiver.check_name}.",
        remedy=f"Ask somebody who is {role.label}.",
        blocked_by=Ref.of(waiver.gate),
        status=403,
    )


for _verb in ("waiver.grant", "waiver.refuse"):
    register_guard(_verb, _not_the_requester)
for _verb in ("waiver.grant", "waiver.refuse", "waiver.revoke"):
    register_guard(_verb, _by_the_named_role)
