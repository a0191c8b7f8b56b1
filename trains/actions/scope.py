"""Changes of a release's scope and of the builds it carries. After the scope freeze each one carries its cause."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from releasetrain.audit.doorway import Actor, Field, Ref, Refused, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import (
    TIERS,
    Artifact,
    Classification,
    Release,
    ReleaseArtifact,
    RollbackCriterion,
    ScopeChange,
    ScopeItem,
)
from trains.ports import CRITICAL, marker_reason, severity_of
from trains.rules import packaging
from trains.rules.rollback_criteria import EXAMPLE
from trains.states import RELEASE_STATES

from .releases import State, undo_readiness
from .rollback_criteria import criterion_from

Cause = Annotated[
    str, Field("Cause", help="Required after the scope freeze: why this cannot wait.", long=True)
]
EmergencyChange = Annotated[
    str,
    Field(
        "Emergency change",
        help="Required after the scope freeze: the key of the approved emergency change, e.g. CHG-142.",
        max_length=40,
    ),
]
Criterion = Annotated[
    str,
    Field(
        "Rollback criterion",
        help=f"When to go back; needed for tier 1 and 2 before the scope is frozen. E.g. {EXAMPLE}.",
        max_length=300,
    ),
]

explain_constraint("scope_item_once", "The release carries this already.")


def scope_is_frozen(release: Release) -> bool:
    """Frozen by hand, or by the date agreed for it."""
    by_date = release.scope_freeze_at is not None and release.scope_freeze_at <= now()
    return by_date or release.state not in (State.PLANNING, State.SCOPED)


def _cause_after_freeze(release: Release, cause: str) -> bool:
    frozen = scope_is_frozen(release)
    if frozen and not cause.strip():
        refuse(
            "release.cause",
            f"The scope of {release} is frozen: every change needs its cause.",
            remedy="Say why this cannot wait for the next release.",
            blocked_by=Ref.of(release),
            field="cause",
        )
    return frozen


@action("release.add_item", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def add_item(
    actor: Actor,
    release: Release,
    *,
    title: Annotated[str, Field("Title", max_length=200)],
    classification: Classification = Classification.FEATURE,
    tier: Annotated[int, Field("Risk tier", min=1, max=4, choices=TIERS)] = 3,
    source_kind: Annotated[str, Field("Kind of source", help="E.g. feature or problem.", max_length=40)] = "",
    source_id: Annotated[UUID | None, Field("Id of the source")] = None,
    source_key: Annotated[str, Field("Key of the source", max_length=40)] = "",
    cause: Cause = "",
    emergency_change: EmergencyChange = "",
    rollback_criterion: Criterion = "",
    canary: Annotated[
        bool,
        Field(
            "Canary marker",
            help="It reaches production on a staged path only. Items of risk tier 1, and problem fixes of high risk, carry it"
            " by themselves.",
        ),
    ] = False,
) -> ScopeItem:
    """Add an item to the scope. After the freeze only critical production defects come in, by emergency change."""
    item = packaging.Item(f"{source_key} {title}".strip(), classification)
    stranger = packaging.belongs(release.classification, item)
    if stranger:
        refuse(
            "release.packaging",
            stranger.sentence,
            remedy="Choose another release.",
            field="classification",
            status=409,
        )
    criterion = criterion_from(rollback_criterion, "rollback_criterion") if rollback_criterion else None
    frozen = scope_is_frozen(release)
    if frozen:
        _refuse_ordinary(release, classification, source_kind, source_id)
        _cause_after_freeze(release, cause)
    if frozen and tier in packaging.HIGH and criterion is None:
        refuse(
            "release.no_criteria",
            f"{item.label} is of risk tier {tier}: it enters a frozen release only with its rollback criterion.",
            remedy=f"Say when to go back, e.g. {EXAMPLE}.",
            blocked_by=Ref.of(release),
            field="rollback_criterion",
        )
    if (
        source_id
        and release.items.filter(
            source_kind=source_kind, source_id=source_id, removed_at__isnull=True
        ).exists()
    ):
        refuse(
            "release.item_twice",
            f"{release} carries {source_key or title} already.",
            blocked_by=Ref.of(release),
        )
    added = ScopeItem(
        release=release,
        title=title,
        classification=classification,
        tier=tier,
        source_kind=source_kind,
        source_id=source_id,
        source_key=source_key,
        after_freeze=frozen,
        cause=cause.strip(),
        authority=emergency_change.strip() if frozen else "",
    )
    obliged = obliged_because(added)
    added.canary = canary or bool(obliged)
    added.canary_reason = obliged or (f"{actor.name} marked it."[:500] if canary else "")
    added.save()
    if criterion is not None:
        RollbackCriterion.objects.create(release=release, item=added, **criterion)
    _log(actor, added, ScopeChange.Act.ADDED, frozen, cause)
    _content_changed(release)
    return added


def obliged_because(item: ScopeItem) -> str:
    """Why the item carries the canary marker by itself: its risk tier, or what it fixes; empty where it need not."""
    if item.tier in packaging.CANARY:
        return f"It is of risk tier {item.tier}."
    hurried = item.after_freeze or item.release.classification == Classification.HOTFIX
    return marker_reason(item.source_kind, item.source_id, item.tier, hurried)[:500]


def _refuse_ordinary(release: Release, classification: str, source_kind: str, source_id: UUID | None) -> None:
    """After the freeze: nothing but a defect of production that is known to be critical."""
    if classification not in packaging.AFTER_FREEZE:
        refuse(
            "release.frozen",
            f"The scope of {release} is frozen.",
            remedy="Only critical production defects come in now; plan this for the next release.",
            blocked_by=Ref.of(release),
        )
    severity = severity_of(source_kind, source_id)
    if severity is None:
        refuse(
            "release.no_defect",
            f"The scope of {release} is frozen, and this names no defect of production.",
            remedy="Name the problem or incident that it corrects (kind, id and key of the source).",
            blocked_by=Ref.of(release),
            field="source_id",
            status=409,
        )
    elif severity > CRITICAL:
        refuse(
            "release.not_critical",
            f"The scope of {release} is frozen, and the defect is of severity {severity}.",
            remedy=f"Only defects of severity {CRITICAL} or worse come in now; plan it for the next release.",
            blocked_by=Ref.of(release),
        )


def _log(actor: Actor, item: ScopeItem, act: str, after_baseline: bool, cause: str) -> None:
    ScopeChange.objects.create(
        release_id=item.release_id,
        item=item,
        act=act,
        at=now(),
        by=actor.name,
        cause=cause.strip(),
        after_baseline=after_baseline,
        authority=item.authority if act == ScopeChange.Act.ADDED else "",
    )


def _own_items(actor: Actor, release: Any) -> Any:
    return release.items.filter(removed_at__isnull=True) if release else ScopeItem.objects.none()


@action("release.remove_item", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def remove_item(
    actor: Actor,
    release: Release,
    *,
    item: Annotated[ScopeItem, Field("Item", rows=_own_items)],
    cause: Cause = "",
) -> ScopeItem:
    """Take an item out of the scope; it stays on record with the day and the cause."""
    if item.release_id != release.pk:
        refuse("release.item_elsewhere", f"{item} is not in {release}.", field="item")
    if item.removed_at:
        refuse("release.item_removed", f"{item} is out already.", field="item")
    frozen = _cause_after_freeze(release, cause)
    item.after_freeze = frozen or item.after_freeze
    item.cause = "\n".join(filter(None, (item.cause, cause.strip())))
    item.removed_at = now()
    item.save()
    _log(actor, item, ScopeChange.Act.REMOVED, frozen, cause)
    _content_changed(release)
    return item


@action("scope_item.mark_canary", on=ScopeItem, requires="releases.manage", label="Set the canary marker")
def mark_canary(
    actor: Actor,
    item: ScopeItem,
    *,
    reason: Annotated[str, Field("Reason", help="Why it needs a staged path.", max_length=400)] = "",
) -> ScopeItem:
    """Oblige the release to a staged path: the item reaches production step by step, and is compared at each."""
    release = _of_open(item)
    if item.canary:
        refuse("scope_item.marked", f"{item} carries the canary marker.")
    item.canary = True
    item.canary_reason = reason.strip() or f"{actor.name} marked it."[:500]
    item.canary_lifted_at, item.canary_lifted_by, item.canary_lift_reason = None, "", ""
    item.save()
    _content_changed(release)
    return item


@action(
    "scope_item.lift_canary",
    on=ScopeItem,
    requires="changes.chair",
    label="Lift the canary marker",
    danger=True,
)
def lift_canary(
    actor: Actor, item: ScopeItem, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ScopeItem:
    """Let the item reach production at once. Whoever chairs change approval answers for it by name; the approval falls.

    Nobody lifts the marker of a release that they opened or whose change they had a hand in.
    """
    release = _of_open(item)
    if not item.canary:
        refuse("scope_item.unmarked", f"{item} carries no canary marker.")
    if not reason.strip():
        refuse("scope_item.lift_reason", "Say why it may reach production at once.", field="reason")
    item.canary = False
    item.canary_lifted_at, item.canary_lifted_by = now(), actor.name[:200]
    item.canary_lift_reason = reason.strip()
    item.save()
    _content_changed(release)
    return item


def _of_open(item: ScopeItem) -> Release:
    """The release of the item, locked, as long as its content may change."""
    release = Release.objects.select_for_update(of=("self",)).select_related("train").get(pk=item.release_id)
    refusal = RELEASE_STATES.refusal("release.add_item", release)
    if refusal:
        raise Refused(refusal)
    if item.removed_at:
        refuse("release.item_removed", f"{item} is out already.")
    return release


@action("release.attach_artifact", on=Release, requires="releases.manage", machine=RELEASE_STATES)
def attach_artifact(actor: Actor, release: Release, *, artifact: Artifact) -> ReleaseArtifact:
    """Attach the build of a service; it replaces the service's earlier build."""
    carried = release.artifacts.filter(service_id=artifact.service_id).first()
    if carried is None:
        carried = ReleaseArtifact(release=release, service_id=artifact.service_id)
    elif carried.artifact_id == artifact.pk:
        return carried
    carried.artifact = artifact
    carried.save()
    _content_changed(release)
    return carried


def _content_changed(release: Release) -> None:
    """Count the change on the release, so that whoever read it before learns of it."""
    undo_readiness(release)
    release.save()
