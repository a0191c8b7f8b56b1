"""Reviews that an act of governance makes obligatory: an emergency approval, a broken glass."""

from __future__ import annotations

from typing import Annotated

from governance.ports import DueReview, opens_obligatory_reviews
from releasetrain.audit.doorway import Actor, Field, action
from reviews.models import Depth, Review
from trains.models import Deployment, Release, Service

from .reviews import due, open_review, opened

Because = Annotated[str, Field("What made it obligatory", max_length=200)]
Days = Annotated[int, Field("Days until it is due", min=1, max=60)]


@action("review.require", creates=Review, requires="reviews.facilitate", hidden=True)
def require(
    actor: Actor,
    *,
    service: Service,
    because: Because,
    days: Days,
    release: Release | None = None,
    deployment: Deployment | None = None,
) -> Review:
    """Open the review that an act made obligatory. Once overdue it holds up the gates of its service."""
    review = Review.objects.create(
        service=service,
        release=release,
        deployment=None if release else deployment,
        depth=Depth.DETAILED,
        due_at=due(service, days),
        trigger=because[:200],
    )
    return opened(review)


@action("review.require_more", on=Review, requires="reviews.facilitate", hidden=True)
def require_more(actor: Actor, review: Review, *, because: Because, days: Days) -> Review:
    """An act made a review obligatory that is open already: it becomes a detailed one, and due no later."""
    review.depth = Depth.DETAILED
    review.due_at = min(review.due_at, due(review.service, days))
    review.trigger = f"{because} {review.trigger}".strip()[:200]
    review.save()
    return review


@opens_obligatory_reviews
def open_obligatory(actor: Actor, due_review: DueReview) -> Review | None:
    """The review of the act's release, deployment or service; the same reason opens no second one."""
    service = _service(due_review)
    if service is None:
        return None
    system = Actor.system(actor.organization_id, due_review.because, route="rule")
    because, days = due_review.because[:200], due_review.days
    rows = Review.objects.exclude(state=Review.State.CLOSED)
    same = rows.filter(service=service, trigger__startswith=because).first()
    if same is not None:
        return same
    known = open_review(service, due_review.release, due_review.deployment)
    if known is not None and known.state != Review.State.CLOSED:
        return require_more(system, known, because=because, days=days)
    # The deployment has had its review: a further one is about the service.
    deployment = None if known is not None else due_review.deployment
    return require(
        system,
        service=service,
        release=due_review.release,
        deployment=deployment,
        because=because,
        days=days,
    )


def _service(due_review: DueReview) -> Service | None:
    """What the review is about: the named service, or the most critical one of the release, or of its train."""
    if due_review.deployment is not None:
        return due_review.deployment.service
    if due_review.service is not None:
        return due_review.service
    release = due_review.release
    if release is None:
        return Service.objects.order_by("tier", "name").first()
    carried = Service.objects.filter(release_artifacts__release=release).order_by("tier", "name")
    of_train = Service.objects.filter(train=release.train_id).order_by("tier", "name")
    return carried.first() or of_train.first() or Service.objects.order_by("tier", "name").first()
