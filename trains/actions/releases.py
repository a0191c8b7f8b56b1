"""Verbs of a release from planning to its end. Changes of its scope are in `scope`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, Refused, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import TIERS, Classification, ProgramIncrement, Release, Train
from trains.queries.commitments import unmet_commitments
from trains.queries.deployments import undeployed_artifacts
from trains.queries.packaging import violations_of, without_criteria
from trains.rules.versions import VersionError, parse_version
from trains.states import RELEASE_STATES

State = Release.State
Tier = Annotated[int, Field("Risk tier", help="1 is the riskiest.", min=1, max=4, choices=TIERS)]
Reason = Annotated[str, Field("Reason", long=True)]
Impact = Field("Business impact", help="What users and the business will notice, and downtime.", long=True)
Plan = Field("Rollback plan", help="How to go back, who may order it, and how long it takes.", long=True)
Criteria = Field("Success criteria", help="Indicators and thresholds that say whether it worked.", long=True)

_CONTENT = ("version", "classification", "tier", "rollback_plan", "success_criteria")

explain_constraint("release_version_once", "The train has a release of this version.")


def _of_train(pi: ProgramIncrement | None, train_id: Any) -> None:
    if pi is not None and pi.train_id != train_id:
        refuse("pi.elsewhere", f"{pi} belongs to another train.", field="pi")


def _free_version(train: Train, version: str, release: Release | None = None) -> str:
    try:
        version = parse_version(version.strip(), train.version_scheme).text
    except VersionError as error:
        refuse(
            "version.invalid",
            str(error),
            remedy=f"{train} numbers by {train.version_scheme}.",
            field="version",
        )
    others = Release.objects.filter(train=train, version=version).exclude(state=State.CANCELLED)
    other = others.exclude(pk=release.pk).first() if release else others.first()
    if other:
        refuse(
            "release.version",
            f"{other.key} of {train} is version {version}.",
            remedy="Choose the next version.",
            blocked_by=Ref.of(other),
            field="version",
        )
    return version


@action("release.create", creates=Release, requires="releases.manage", within="train")
def create_release(
    actor: Actor,
    *,
    train: Train,
    version: Annotated[
        str, Field("Version", help="SemVer 2.0, e.g. 5.2.0, or by calendar, e.g. 2026.11.", max_length=80)
    ],
    name: Annotated[str, Field("Name", max_length=120)] = "",
    pi: Annotated[ProgramIncrement | None, Field("Program Increment")] = None,
    classification: Classification = Classification.FEATURE,
    tier: Tier = 3,
    impact: Annotated[str, Impact] = "",
    target_at: Annotated[datetime | None, Field("Target")] = None,
    scope_freeze_at: Annotated[datetime | None, Field("Scope freeze")] = None,
    rollback_plan: Annotated[str, Plan] = "",
    success_criteria: Annotated[str, Criteria] = "",
) -> Release:
    """Open a release of a train."""
    _of_train(pi, train.pk)
    _freeze_before_target(scope_freeze_at, target_at)
    return Release.objects.create(
        train=train,
        pi=pi,
        version=_free_version(train, version),
        name=name,
        classification=classification,
        tier=tier,
        impact=impact,
        target_at=target_at,
        scope_freeze_at=scope_freeze_at,
        rollback_plan=rollback_plan,
        success_criteria=success_criteria,
    )


def _freeze_before_target(scope_freeze_at: datetime | None, target_at: datetime | None) -> None:
    if scope_freeze_at and target_at and scope_freeze_at > target_at:
        refuse(
            "release.freeze_after_target", "The scope freeze lies after the target.", field="scope_freeze_at"
        )


@action("release.edit", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def edit_release(
    actor: Actor,
    release: Release,
    *,
    version: Annotated[str | None, Field("Version", max_length=80)] = None,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    pi: Annotated[ProgramIncrement | None, Field("Program Increment")] = None,
    classification: Classification | None = None,
    tier: Annotated[int | None, Field("Risk tier", min=1, max=4, choices=TIERS)] = None,
    impact: Annotated[str | None, Impact] = None,
    target_at: Annotated[datetime | None, Field("Target")] = None,
    scope_freeze_at: Annotated[datetime | None, Field("Scope freeze")] = None,
    rollback_plan: Annotated[str | None, Plan] = None,
    success_criteria: Annotated[str | None, Criteria] = None,
) -> Release:
    """Change a release; what is left empty stays. A change of content undoes readiness and approval."""
    _of_train(pi, release.train_id)
    news = {
        "version": _free_version(release.train, version, release) if version else None,
        "name": name,
        "pi": pi,
        "classification": classification,
        "tier": tier,
        "impact": impact,
        "target_at": target_at,
        "scope_freeze_at": scope_freeze_at,
        "rollback_plan": rollback_plan,
        "success_criteria": success_criteria,
    }
    if scope_freeze_at and release.frozen_at:
        refuse("release.frozen", "The scope is frozen already.", field="scope_freeze_at")
    changed = {n: v for n, v in news.items() if v is not None and v != getattr(release, n)}
    for field, value in changed.items():
        setattr(release, field, value)
    _freeze_before_target(release.scope_freeze_at, release.target_at)
    if changed.keys() & {"classification", "tier"}:
        refuse_bad_packaging(release)
    if changed.keys() & set(_CONTENT):
        undo_readiness(release)
    release.save()
    return release


def undo_readiness(release: Release) -> None:
    """Content changed: what was declared ready or approved is no longer what was looked at."""
    if release.state in (State.READY, State.APPROVED):
        release.state = State.FROZEN


def refuse_bad_packaging(release: Release) -> None:
    """Refuse when the items may not travel together; every item too many is named."""
    found = violations_of(release)
    if found:
        raise Refused(
            *(
                Refusal("release.packaging", v.sentence, "Move it to another release.", Ref.of(release))
                for v in found
            )
        )


def _refuse_without_criteria(release: Release) -> None:
    """Refuse while an item of high risk does not say when to go back; every such item is named."""
    found = without_criteria(release)
    if found:
        raise Refused(
            *(
                Refusal(
                    "release.no_criteria",
                    f"{item} is of risk tier {item.tier} and has no rollback criterion.",
                    "Say when to go back: add a rollback criterion for it.",
                    Ref.of(item),
                )
                for item in found
            )
        )


def _refuse_empty(release: Release) -> None:
    if not release.items.filter(removed_at__isnull=True).exists():
        refuse(
            "release.empty",
            f"{release} has no scope.",
            remedy="Add an item first.",
            blocked_by=Ref.of(release),
        )


@action("release.scope", on=Release, requires="releases.manage", machine=RELEASE_STATES, label="Settle scope")
def scope_release(actor: Actor, release: Release) -> Release:
    """Declare the scope settled; it stays open to changes until the scope freeze."""
    _refuse_empty(release)
    refuse_bad_packaging(release)
    return release


@action(
    "release.freeze",
    on=Release,
    requires="releases.manage",
    machine=RELEASE_STATES,
    label="Freeze scope",
    confirm="After this only critical production defects with an approved emergency change come in.",
)
def freeze_release(actor: Actor, release: Release) -> Release:
    """Freeze the scope: it becomes the baseline that later changes are counted against."""
    _refuse_empty(release)
    refuse_bad_packaging(release)
    _refuse_without_criteria(release)
    release.frozen_at = now()
    return release


@action("release.mark_ready", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def mark_ready(actor: Actor, release: Release) -> Release:
    """Declare a frozen release ready for approval: it has its builds, and a way back where the risk is high."""
    missing = []
    if not release.artifacts.exists():
        missing.append(
            Refusal(
                "release.no_artifacts",
                f"{release} carries no builds.",
                "Attach an artifact.",
                Ref.of(release),
            )
        )
    if release.tier <= 2:
        for field, words in (("rollback_plan", "rollback plan"), ("success_criteria", "success criteria")):
            if not getattr(release, field).strip():
                missing.append(
                    Refusal(
                        f"release.no_{field}",
                        f"A tier {release.tier} release needs a {words}.",
                        f"Write the {words}.",
                        Ref.of(release),
                    )
                )
    missing += [
        Refusal("release.commitment", sentence, remedy, Ref.of(commitment))
        for commitment, sentence, remedy in unmet_commitments(release, now().date())
    ]
    if missing:
        raise Refused(*missing)
    return release


def _only_by_change(actor: Actor, act: str) -> None:
    if actor.kind != "system":
        refuse(
            "release.by_change",
            f"A release is {act} by its change request, not by hand.",
            remedy="Decide on the change request of the release.",
            status=403,
        )


@action("release.mark_approved", on=Release, requires="releases.manage", machine=RELEASE_STATES, hidden=True)
def mark_approved(actor: Actor, release: Release) -> Release:
    """Record that the release's change request is approved. Only the platform does this, when the last vote falls."""
    _only_by_change(actor, "approved")
    return release


@action(
    "release.withdraw_approval", on=Release, requires="releases.manage", machine=RELEASE_STATES, hidden=True
)
def withdraw_approval(actor: Actor, release: Release) -> Release:
    """Record that the approval of the release's change request is void. Only the platform does this."""
    _only_by_change(actor, "sent back")
    return release


@action("release.start_deploying", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def start_deploying(actor: Actor, release: Release) -> Release:
    """Begin the deployment to production; the first production deployment recorded for the release does it too."""
    return release


@action("release.mark_released", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def mark_released(actor: Actor, release: Release) -> Release:
    """Declare the release out: every build it carries has arrived in production."""
    waiting = undeployed_artifacts(release)
    if waiting:
        refuse(
            "release.undeployed",
            f"Not deployed to production yet: {', '.join(waiting)}.",
            remedy="Record the successful deployments with this release's key.",
            blocked_by=Ref.of(release),
        )
    release.released_at = now()
    return release


@action("release.close", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def close_release(actor: Actor, release: Release) -> Release:
    """Close a release that is out or was rolled back; nothing about it changes afterwards."""
    return release


@action(
    "release.cancel",
    on=Release,
    requires="releases.manage",
    machine=RELEASE_STATES,
    danger=True,
    confirm="A cancelled release cannot be reopened.",
)
def cancel_release(actor: Actor, release: Release, *, reason: Reason) -> Release:
    """Give the release up before anything of it was deployed."""
    return release


@action(
    "release.roll_back",
    on=Release,
    requires="deployments.rollback",
    machine=RELEASE_STATES,
    danger=True,
    confirm="The release counts as failed. Its deployments are rolled back one by one, each on record.",
)
def roll_back_release(actor: Actor, release: Release, *, reason: Reason) -> Release:
    """Declare the release rolled back."""
    return release
