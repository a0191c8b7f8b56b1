"""Verbs of reviews: opened by people or by rule, facilitated, closed with a decision."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from django.contrib.auth import get_user_model

from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, action, explain_constraint, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from reviews.models import Depth, Review, ReviewRule
from reviews.queries.pending import stale_actions
from reviews.queries.policies import policy_of
from reviews.states import REVIEW_STATES
from trains.models import Deployment, Iteration, Release, Service

from .facts import fill_in
from .meeting import take_turn
from .participants import seat_people

User = get_user_model()
MOST_SERVICES = 20
Due = Annotated[datetime | None, Field("Due")]
Person = Annotated[User | None, Field("Facilitator")]  # type: ignore[valid-type]

explain_constraint("review_of_release_once", "The release is being reviewed already.")
explain_constraint("review_of_deployment_once", "The deployment has its review already.")


@action("review.create", creates=Review, requires="reviews.facilitate", within="service")
def create_review(
    actor: Actor,
    *,
    service: Service,
    release: Release | None = None,
    deployment: Deployment | None = None,
    depth: Annotated[Depth, Field("Depth")] = Depth.DETAILED,
    mandatory: Annotated[bool, Field("Mandatory", help="The next gate of the service waits for it.")] = False,
    due_at: Due = None,
    facilitator: Person = None,
    reason: Annotated[str, Field("Why", max_length=200)] = "",
) -> Review:
    """Open a review of a release, or of a deployment."""
    if release is None and deployment is None:
        refuse("review.subject", "Name the release or the deployment that is reviewed.", field="release")
    if deployment is not None and not deployment.environment.is_production:
        refuse("review.not_production", f"{deployment} was not a production deployment.", field="deployment")
    known = open_review(service, release, deployment)
    if known:
        refuse("review.open", f"{known} is open.", blocked_by=Ref.of(known))
    review = Review.objects.create(
        service=service,
        release=release,
        deployment=None if release else deployment,
        depth=depth,
        mandatory=mandatory,
        due_at=due_at or due(service, 10),
        facilitator=facilitator,
        trigger=reason,
    )
    return opened(review)


def opened(review: Review) -> Review:
    """What every new review gets: its facts, and under a standard the people and the facilitator whose turn it is."""
    fill_in(review)
    if policy_of(review).rows:
        seat_people(review)
        if review.facilitator_id is None and take_turn(review):
            review.save()
    return review


def open_review(service: Service, release: Release | None, deployment: Deployment | None) -> Review | None:
    """The review that is open for the release, or the deployment's one, open or not."""
    if release is not None:
        return Review.objects.filter(release=release).exclude(state=Review.State.CLOSED).first()
    return Review.objects.filter(deployment=deployment).first() if deployment is not None else None


def due(service: Service, days: int) -> datetime:
    """The end of the iteration that the day falls into, or the end of that day where no iteration is planned."""
    day = (now() + timedelta(days=days)).date()
    iteration = (
        Iteration.objects.filter(pi__train=service.train_id, starts__lte=day, ends__gt=day)
        .order_by("starts")
        .first()
        if service.train_id
        else None
    )
    last = iteration.ends if iteration else day + timedelta(days=1)
    return datetime.combine(last, time(0), tzinfo=UTC)


@action("review.open_by_rule", creates=Review, requires="reviews.facilitate", hidden=True)
def open_by_rule(
    actor: Actor,
    *,
    rule: ReviewRule,
    deployment: Deployment,
    trigger: Annotated[str, Field("What triggered it", max_length=200)],
) -> Review:
    """Open the review that a rule asks for after a deployment."""
    release = deployment.release
    review = Review.objects.create(
        service=deployment.service,
        release=release,
        deployment=None if release else deployment,
        depth=rule.depth,
        mandatory=rule.mandatory,
        due_at=due(deployment.service, rule.due_days),
        gathers_until=deployment.started_at + timedelta(days=rule.window_days)
        if rule.window_days and not release
        else None,
        opened_by_rule=rule,
        trigger=trigger[:200],
    )
    return opened(review)


@action("review.tighten", on=Review, requires="reviews.facilitate", hidden=True)
def tighten(
    actor: Actor,
    review: Review,
    *,
    rule: ReviewRule,
    trigger: Annotated[str, Field("What triggered it", max_length=200)],
) -> Review:
    """Something worse became known: the open review follows the stricter rule."""
    review.depth = Depth.DETAILED if Depth.DETAILED in (review.depth, rule.depth) else Depth.LIGHTWEIGHT
    review.mandatory = review.mandatory or rule.mandatory
    review.due_at = min(review.due_at, due(review.service, rule.due_days))
    review.opened_by_rule, review.trigger = rule, trigger[:200]
    review.save()
    return review


@action(
    "review.add_service",
    on=Review,
    requires="reviews.facilitate",
    machine=REVIEW_STATES,
    label="Review a further service",
)
def add_service(
    actor: Actor,
    review: Review,
    *,
    service: Annotated[Service, Field("Service", help="Interdependent with what is reviewed.")],
    reason: Annotated[str, Field("Why together", max_length=300)] = "",
) -> Review:
    """Review an interdependent service together with it: its deployments and incidents join the facts."""
    if review.state != Review.State.FACTS:
        refuse(
            "review.facts_accepted",
            "The facts are accepted; another service would bring new ones.",
            remedy="Reopen the facts, or open another review.",
        )
    if service.pk == review.service_id or service.pk in review.also:
        refuse("review.has_service", f"{service} is reviewed already.", field="service")
    if len(review.also) >= MOST_SERVICES:
        refuse("review.services", f"A review is about at most {MOST_SERVICES + 1} services.", field="service")
    review.also = [*review.also, service.pk]
    review.save()
    fill_in(review)
    return review


@action("review.edit", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def edit_review(
    actor: Actor,
    review: Review,
    *,
    facilitator: Person = None,
    due_at: Due = None,
    depth: Annotated[Depth | None, Field("Depth")] = None,
) -> Review:
    """Name who facilitates it, or move its day."""
    review.facilitator = facilitator or review.facilitator
    review.due_at = due_at or review.due_at
    review.depth = depth or review.depth
    review.save()
    return review


@action("review.close", on=Review, requires="reviews.facilitate", machine=REVIEW_STATES)
def close_review(
    actor: Actor,
    review: Review,
    *,
    decision: Annotated[str, Field("Decision", help="What was decided.", long=True)],
    rationale: Annotated[
        str, Field("Rationale", help="Why it was decided so, and not otherwise.", long=True)
    ],
) -> Review:
    """Close the review. Its actions are settled, or somebody owns them with a day that lies ahead."""
    if not decision.strip():
        refuse("review.decision", "Say what was decided.", field="decision")
    if not rationale.strip():
        refuse("review.rationale", "Say why it was decided so.", field="rationale")
    review.decision, review.rationale, review.closed_at = decision.strip(), rationale.strip(), now()
    review.ticking_since = None
    return review


def _actions_in_hand(actor: Actor, review: Any, params: dict[str, Any]) -> Refusal | None:
    stale = stale_actions(review, now().date()).first() if review is not None else None
    if stale is None:
        return None
    return Refusal(
        "review.action_overdue",
        f"{stale} was due {stale.due_on:%Y-%m-%d}.",
        remedy="Settle it, or agree on a new day with its owner.",
        blocked_by=Ref.of(stale),
    )


register_guard("review.close", _actions_in_hand)
