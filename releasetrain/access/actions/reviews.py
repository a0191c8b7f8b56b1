"""Verbs of access reviews: open a campaign, decide each grant, close it by its rule."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

from releasetrain.access.models import AccessReview, AccessReviewItem
from releasetrain.access.queries import holdings
from releasetrain.access.rules.reviewing import outcome, reviewer_of
from releasetrain.access.states import ACCESS_REVIEW_STATES
from releasetrain.accounts.actions import revoke_grant
from releasetrain.accounts.catalogue import Role
from releasetrain.accounts.models import Grant, Scope, User
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.audit.history import bulk_create_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse

Decision = AccessReviewItem.Decision
LONGEST = timedelta(days=184)
explain_constraint("access_review_reviewer_is_another", "Nobody reviews their own access.")
explain_constraint("access_review_decider_is_another", "Nobody certifies their own access.")
Why = Annotated[str, Field("Reason", max_length=500)]


@action("access_review.open", creates=AccessReview, requires="members.manage", label="Open an access review")
def open_access_review(
    actor: Actor,
    *,
    title: Annotated[str, Field("Title", max_length=120)],
    due_at: Annotated[
        datetime, Field("Due", help="What nobody has reviewed by then goes by the rule below.")
    ],
    reviewer: Annotated[User, Field("Reviewer", help="Of everything that no other reviewer is named for.")],
    second_reviewer: Annotated[
        User | None,
        Field("Second reviewer", help="Of what the reviewer holds. Nobody reviews their own access."),
    ] = None,
    by_scope: Annotated[
        list[str] | None,
        Field(
            "Reviewers by scope", help="One a line: train, team or other scope = e-mail address.", long=True
        ),
    ] = None,
    lapse: Annotated[
        AccessReview.Lapse,
        Field("What nobody reviewed", help="Revoked is the rule; flagged leaves it standing."),
    ] = AccessReview.Lapse.REVOKE,
) -> AccessReview:
    """Have every role in force kept or revoked by somebody else than its holder, until a day."""
    if not now() < due_at <= now() + LONGEST:
        refuse("access_review.due", "The due day lies ahead, within half a year.", field="due_at")
    people = User.objects.filter(
        memberships__organization=actor.organization_id,
        memberships__suspended_at__isnull=True,
        is_active=True,
        kind=User.Kind.PERSON,
    )
    members = set(people.values_list("pk", flat=True))
    for name, person in (("reviewer", reviewer), ("second_reviewer", second_reviewer)):
        if person is not None and person.pk not in members:
            refuse("access_review.reviewer", f"{person} is no member of the organization.", field=name)
    scopes = _by_scope(by_scope or [], members)
    review = AccessReview.objects.create(
        title=title.strip(), due_at=due_at, lapse=lapse, opened_by_id=actor.user_id
    )
    grants = list(holdings.in_force().select_related("user").order_by("id"))
    used, givers = holdings.last_acts({g.user_id for g in grants}), holdings.given_by(g.pk for g in grants)
    items = []
    for each in grants:
        whose = reviewer_of(
            each.user_id, each.scope_id, scopes, reviewer.pk, second_reviewer.pk if second_reviewer else None
        )
        if whose is None:
            refuse(
                "access_review.own",
                f"{each.user} would review their own access.",
                remedy="Name a second reviewer.",
                field="second_reviewer",
            )
        items.append(
            AccessReviewItem(
                review=review,
                grant=each,
                holder_id=each.user_id,
                reviewer_id=whose,
                last_used_at=holdings.used_in_role(used.get(each.user_id, {}), each.role),
                granted_by=givers.get(each.pk, ("", None))[1],
            )
        )
    bulk_create_tracked(items)
    return review


def _by_scope(lines: list[str], members: set[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    found: dict[uuid.UUID, uuid.UUID] = {}
    for line in filter(str.strip, lines):
        label, _, email = (part.strip() for part in line.rpartition("="))
        scopes = list(Scope.objects.filter(label__iexact=label)[:2])
        person = User.objects.filter(email__iexact=email, pk__in=members).first()
        if len(scopes) != 1:
            refuse("access_review.scope", f"No role is given on “{label[:80]}”.", field="by_scope")
        if person is None:
            refuse(
                "access_review.reviewer",
                f"“{email[:80]}” is no member of the organization.",
                field="by_scope",
            )
        found[scopes[0].pk] = person.pk
    return found


@action("access_review.postpone", on=AccessReview, requires="members.manage", machine=ACCESS_REVIEW_STATES)
def postpone_access_review(
    actor: Actor, review: AccessReview, *, due_at: Annotated[datetime, Field("Due")], reason: Why
) -> AccessReview:
    """Give reviewers more time."""
    if not max(now(), review.due_at) < due_at <= review.created_at + LONGEST:
        refuse(
            "access_review.due",
            "The new day lies after the old one, within half a year of the start.",
            field="due_at",
        )
    review.due_at = due_at
    review.save()
    return review


@action(
    "access_review.cancel",
    on=AccessReview,
    requires="members.manage",
    machine=ACCESS_REVIEW_STATES,
    danger=True,
    confirm="Nothing is revoked, and it does not count as a review. Decisions made so far stand.",
)
def cancel_access_review(actor: Actor, review: AccessReview, *, reason: Why) -> AccessReview:
    """Break the campaign off."""
    review.closed_at = now()
    return review


@action(
    "access_review.close",
    on=AccessReview,
    requires="members.manage",
    machine=ACCESS_REVIEW_STATES,
    confirm="Once the due day is over, what nobody reviewed is revoked, or flagged where the campaign says so.",
)
def close_access_review(actor: Actor, review: AccessReview) -> AccessReview:
    """Close the campaign: everything is decided, or its time is over and its rule decides."""
    waiting = list(
        AccessReviewItem.objects.select_for_update(of=("self",))
        .filter(review=review, decision=Decision.OPEN)
        .select_related("grant__user", "grant__scope")
        .order_by("id")
    )
    if waiting and not review.overdue:
        refuse(
            "access_review.waiting",
            f"{len(waiting)} grants wait for a decision, and the due day is not over.",
            remedy="Remind the reviewers, or wait for the due day.",
        )
    for item in waiting:
        _lapse(actor, review, item)
    review.closed_at = now()
    return review


def _lapse(actor: Actor, review: AccessReview, item: AccessReviewItem) -> None:
    given = item.grant
    item.decision = outcome(review.lapse, ended=_ended(given), last_owner=_last_owner(given))
    if item.decision == Decision.LAPSED:
        _revoke(actor, given, f"Not reviewed in {review.key} by its due day")
    item.decided_at = now()
    item.reason = {
        Decision.GONE: "It had ended before the due day.",
        Decision.LAPSED: "Nobody reviewed it by the due day.",
    }.get(Decision(item.decision), "Nobody reviewed it by the due day; it stands and needs a look.")
    item.save()


@action("access_review_item.keep", on=AccessReviewItem, requires="organization.view", label="Keep")
def keep_access(actor: Actor, item: AccessReviewItem, *, reason: Why) -> AccessReviewItem:
    """Certify that the holder still needs this role."""
    _decidable(actor, item)
    if _ended(item.grant):
        refuse("access_review.ended", "This grant has ended meanwhile.", blocked_by=Ref.of(item.grant))
    return _decided(actor, item, Decision.KEEP, reason)


@action(
    "access_review_item.revoke",
    on=AccessReviewItem,
    requires="organization.view",
    label="Revoke",
    danger=True,
    confirm="The holder loses the role at once.",
)
def revoke_access(actor: Actor, item: AccessReviewItem, *, reason: Why) -> AccessReviewItem:
    """Take the role back, at once."""
    _decidable(actor, item)
    if not _ended(item.grant):
        _revoke(actor, item.grant, f"{item.review.key}: {reason}")
    return _decided(actor, item, Decision.REVOKE, reason)


@action("access_review_item.assign", on=AccessReviewItem, requires="members.manage", label="Another reviewer")
def assign_access(
    actor: Actor, item: AccessReviewItem, *, reviewer: Annotated[User, Field("Reviewer")], reason: Why
) -> AccessReviewItem:
    """Let somebody else review this one."""
    _open(item)
    if reviewer.pk == item.holder_id:
        refuse(
            "access_review.own",
            f"{reviewer} holds this role.",
            remedy="Name somebody else.",
            field="reviewer",
        )
    if not reviewer.memberships.filter(
        organization=actor.organization_id, suspended_at__isnull=True
    ).exists():
        refuse("access_review.reviewer", f"{reviewer} is no member of the organization.", field="reviewer")
    item.reviewer = reviewer
    item.save()
    return item


def _open(item: AccessReviewItem) -> None:
    if item.review.state != AccessReview.State.OPEN:
        refuse("access_review.closed", f"{item.review} is not open.", blocked_by=Ref.of(item.review))
    if item.decision != Decision.OPEN:
        refuse("access_review.decided", f"This is decided already: {item.get_decision_display().lower()}.")


def _decidable(actor: Actor, item: AccessReviewItem) -> None:
    _open(item)
    if actor.user_id == item.holder_id:
        refuse(
            "access_review.own",
            "Nobody certifies their own access.",
            remedy="An owner names another reviewer.",
            status=403,
        )
    if actor.user_id != item.reviewer_id:
        refuse(
            "access_review.reviewer",
            f"{item.reviewer} reviews this one.",
            remedy="An owner can name you as its reviewer.",
            status=403,
        )


def _decided(actor: Actor, item: AccessReviewItem, decision: Any, reason: str) -> AccessReviewItem:
    item.decision, item.reason = decision, reason.strip()
    item.decided_by_id, item.decided_at = actor.user_id, now()
    item.save()
    return item


def _revoke(actor: Actor, given: Grant, reason: str) -> None:
    """By the product on the reviewer's behalf: reviewing is the right to decide this one, not to manage members."""
    acting = Actor.system(actor.organization_id, reason[:300], route=actor.route)
    acting.on_behalf_of, acting.request_id = actor.user_id, actor.request_id
    revoke_grant(acting, given, reason=reason)


def _ended(given: Grant) -> bool:
    return given.revoked_at is not None or (given.ends_at is not None and given.ends_at <= now())


def _last_owner(given: Grant) -> bool:
    owners = Grant.objects.filter(role=Role.OWNER, revoked_at__isnull=True, ends_at__isnull=True)
    return given.role == Role.OWNER and not owners.exclude(pk=given.pk).exists()
