"""How changes follow their releases and deployments: created at the scope freeze, fallen with the content, linked to what ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from governance.models import Board, ChangeContributor, ChangeDeployment, ChangeRequest
from governance.queries import changes as queries
from releasetrain.audit.ledger import append
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Ref, Refusal
from trains.models import Classification, Deployment, Release

from .deciding import State, raise_revision, release_follows

OPEN = (State.DRAFT, State.ASSESSED, State.AWAITING_APPROVAL, State.APPROVED, State.SCHEDULED)


def change_of(release: Release) -> ChangeRequest | None:
    """The release's change request that is still alive, the newest first."""
    dead = (State.CANCELLED, State.REJECTED, State.EXPIRED)
    return (
        ChangeRequest.objects.filter(release=release).exclude(state__in=dead).order_by("-created_at").first()
    )


def create_for_frozen_release(actor: Actor, release: Release, params: dict[str, Any]) -> None:
    """A frozen release needs a decision: write its change request, where the organization has a board."""
    if change_of(release) is not None or actor.user_id is None:
        return
    emergency = release.classification == Classification.HOTFIX
    kind = Board.Kind.ECAB if emergency else Board.Kind.CAB
    board = (
        Board.objects.filter(kind=kind).order_by("created_at").first()
        or Board.objects.order_by("created_at").first()
    )
    if board is None:
        return
    items = release.items.filter(removed_at__isnull=True).order_by("created_at")
    lines = "\n".join(f"{item.source_key} {item.title}".strip() for item in items)
    change = ChangeRequest(
        title=f"Release {release.version} of {release.train}"[:200],
        board=board,
        release=release,
        type=ChangeRequest.Type.EMERGENCY if emergency else ChangeRequest.Type.NORMAL,
        risk={1: ChangeRequest.Risk.HIGH, 2: ChangeRequest.Risk.HIGH, 3: ChangeRequest.Risk.MEDIUM}.get(
            release.tier, ChangeRequest.Risk.LOW
        ),
        implementation_plan=f"Deploy release {release.version}:\n{lines}",
        backout_plan=release.rollback_plan,
        test_plan=release.success_criteria,
        author_id=actor.user_id,
    )
    change.content, change.content_digest = queries.present_content(change)
    change.save()
    ChangeContributor.objects.create(change=change, user_id=actor.user_id, act=ChangeContributor.Act.AUTHORED)
    append(actor, "change.create_from_release", change, {"release": release.key})


def content_changed(actor: Actor, release: Release, params: dict[str, Any]) -> None:
    """The release's content changed: an approval or vote of another content no longer counts."""
    for change in (
        ChangeRequest.objects.select_for_update().filter(release=release, state__in=OPEN).order_by("id")
    ):
        content, digest = queries.present_content(change)
        if digest == change.content_digest:
            continue
        if change.state in ChangeRequest.UNASKED:
            change.content, change.content_digest = content, digest
        else:
            before = change.state
            raise_revision(change, "the content of the release changed")
            append(
                actor,
                "change.content_changed",
                change,
                {
                    "revision": change.revision,
                    "content_digest": change.content_digest,
                    "state_before": before,
                },
            )
        change.save()


def scope_changed(actor: Actor, subject: Any, params: dict[str, Any]) -> None:
    """As `content_changed`, for verbs whose subject is the scope item or the artifact of a release."""
    release = subject if isinstance(subject, Release) else subject.release
    content_changed(actor, release, params)


def nobody_lifts_their_own(actor: Actor, item: Any, params: dict[str, Any]) -> Refusal | None:
    """Whoever opened the release, or had a hand in its change, does not let it reach production at once."""
    if actor.user_id is None:
        return None
    opened = Release.history.filter(id=item.release_id, history_type="+", history_user_id=actor.user_id)
    hands = ChangeContributor.objects.filter(change__release=item.release_id, user=actor.user_id)
    if not (opened.exists() or hands.exists()):
        return None
    return Refusal(
        "scope_item.own_release",
        f"You had a hand in {item.release}: somebody else decides whether {item} may reach production at once.",
        remedy="Ask another chair of change approval, or keep to the staged path.",
        blocked_by=Ref.of(item.release),
        status=403,
    )


def environments_changed(actor: Actor, environment: Any, params: dict[str, Any]) -> None:
    """A new production environment belongs to what approvals are about: open changes are decided anew."""
    if not environment.is_production:
        return
    releases = Release.objects.filter(changes__state__in=OPEN).distinct()
    if environment.train_id:
        releases = releases.filter(train_id=environment.train_id)
    for release in releases:
        content_changed(actor, release, params)


def approved_already(actor: Actor, release: Release, params: dict[str, Any]) -> None:
    """A release that becomes ready after its change was approved is approved at once."""
    change = change_of(release)
    if change is not None and change.stands:
        release_follows(change)


def emergency_needs_its_change(actor: Actor, subject: Any, params: dict[str, Any]) -> Refusal | None:
    """Starting an emergency deployment to production, past freeze and approval, takes an approved emergency change."""
    environment, release, service = params.get("environment"), params.get("release"), params.get("service")
    starts = params.get("status") == Deployment.State.RUNNING
    if not (params.get("emergency") and starts and environment and environment.is_production):
        return None
    standing = ChangeRequest.objects.filter(
        type=ChangeRequest.Type.EMERGENCY, state__in=ChangeRequest.STANDING
    )
    about = standing.filter(release=release) if release else standing.filter(service=service)
    if any(change.stands for change in about):
        return None
    return Refusal(
        "deployment.emergency",
        f"No approved emergency change covers {release or service}.",
        remedy="Have an emergency change approved by its board; then start the deployment.",
    )


def link_deployment(actor: Actor, deployment: Any, params: dict[str, Any]) -> None:
    """Put on record whether a production deployment stood under an approved change.

    What happened is never refused here: an unauthorised deployment is recorded as such and shown.
    """
    if not isinstance(deployment, Deployment) or not deployment.environment.is_production:
        return
    if ChangeDeployment.objects.filter(deployment=deployment).exists():
        return
    change = carrying_change(deployment.release, deployment.service_id, deployment.started_at)
    if change is None:
        _record(deployment, None, False, "No change request covers this deployment.")
        return
    if not change.stands:
        _record(
            deployment, change, False, f"{change.key} is {change.get_state_display().lower()}, not approved."
        )
        return
    if change.approved_at is None or change.approved_at > deployment.started_at:
        _record(deployment, change, False, f"It started before {change.key} was approved.")
        return
    try:
        with transaction.atomic():
            _record(deployment, change, True, f"Approved at revision {change.revision}.")
    except IntegrityError as error:
        _record(deployment, change, False, str(error.__cause__).split("\n")[0][:300])


def carrying_change(release: Release | None, service_id: UUID, at: datetime) -> ChangeRequest | None:
    """The change under which a service is deployed at a moment: the release's, or one of its own in its window."""
    if release is not None:
        return change_of(release)
    standing = ChangeRequest.objects.filter(service_id=service_id, state__in=ChangeRequest.STANDING)
    return next(
        (
            c
            for c in standing.order_by("-approved_at")
            if c.window_starts is None or c.window_ends is None or c.window_starts <= at < c.window_ends
        ),
        None,
    )


def _record(deployment: Deployment, change: ChangeRequest | None, authorised: bool, reason: str) -> None:
    ChangeDeployment.objects.create(
        deployment=deployment, change=change, authorised=authorised, reason=reason[:300]
    )
