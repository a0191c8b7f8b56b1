"""Stories and tasks: written, begun, worked off, blocked; what a tracker keeps is changed in the tracker."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from planning.models import Feature, TrackerLink, WorkItem
from planning.queries.increments import today_of
from planning.rules.work_file import FIELDS
from planning.states import WORK_STATES, WorkState
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, refuse
from trains.models import Iteration, Team, Train

from .impediments import raise_impediment

# What a tracker may keep; the link to a feature and blockers are always kept here.
TRACKED = tuple(name for name in FIELDS if name not in ("external_id", "feature"))


def _iterations(actor: Actor, subject: Any) -> Any:
    rows = Iteration.objects.select_related("pi").exclude(pi__state="closed").order_by("starts")
    return rows.filter(pi__train_id=subject.team.train_id) if isinstance(subject, WorkItem) else rows


def _features(actor: Actor, subject: Any) -> Any:
    rows = Feature.objects.exclude(state="cancelled").order_by("key")
    return rows.filter(train_id=subject.team.train_id) if isinstance(subject, WorkItem) else rows


def _same_train(team: Team, iteration: Iteration | None, feature: Feature | None) -> None:
    if iteration is not None and iteration.pi.train_id != team.train_id:
        refuse("train.other", f"{iteration} belongs to another train.", field="iteration")
    if feature is not None and feature.train_id != team.train_id:
        refuse("train.other", f"{feature} belongs to another train.", field="feature")


def kept_by_tracker(item: WorkItem) -> tuple[str, frozenset[str]]:
    """The tracker of a work item, and the fields of it that are kept there."""
    if not item.source:
        return "", frozenset()
    link = TrackerLink.objects.filter(train_id=item.team.train_id, name=item.source).first()
    return item.source, frozenset(link.tracker_fields if link else ())


def _refuse_masters(item: WorkItem, *fields: str) -> None:
    """One master per field: what the tracker keeps is changed there."""
    tracker, kept = kept_by_tracker(item)
    for name in fields:
        if name in kept:
            refuse(
                "work.master",
                f"{tracker} keeps the {name.replace('_', ' ')} of {item}.",
                remedy=f"Change {item.external_id} there and import it again, or take the field over with tracker.set.",
                field=name,
            )


@action("work_item.create", creates=WorkItem, requires="planning.edit", within="team", label="New work item")
def create_work_item(
    actor: Actor,
    *,
    team: Annotated[Team, Field("Team")],
    title: Annotated[str, Field("Title", max_length=200)],
    kind: Annotated[WorkItem.Kind, Field("Kind")] = WorkItem.Kind.STORY,
    iteration: Annotated[Iteration | None, Field("Iteration", rows=_iterations)] = None,
    feature: Annotated[Feature | None, Field("Feature", rows=_features)] = None,
    points: Annotated[int | None, Field("Points", min=0, max=999)] = None,
    estimate_hours: Annotated[Decimal | None, Field("Estimate in hours", min=0, max=9999)] = None,
    assignee_name: Annotated[str, Field("Who works on it", max_length=120)] = "",
    since: Annotated[
        date | None, Field("In the iteration since", "Today when left out; by its first day it is promised.")
    ] = None,
) -> WorkItem:
    """Write a story or task of a team; with an estimate, that much remains."""
    if not title.strip():
        refuse("work.title", "A work item has a title.", field="title", status=422)
    _same_train(team, iteration, feature)
    today = today_of(team.train)
    if since is not None and since > today:
        refuse("work.since", "That day has not come.", field="since", status=422)
    item = WorkItem(
        team=team,
        title=title.strip(),
        kind=kind,
        iteration=iteration,
        feature=feature,
        points=points,
        estimate_hours=estimate_hours,
        remaining_hours=estimate_hours,
        assignee_name=assignee_name.strip(),
        added_on=(since or today) if iteration else None,
    )
    item.save()
    return item


@action("work_item.edit", on=WorkItem, requires="planning.edit", machine=WORK_STATES)
def edit_work_item(
    actor: Actor,
    item: WorkItem,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    kind: Annotated[WorkItem.Kind | None, Field("Kind")] = None,
    iteration: Annotated[Iteration | None, Field("Iteration", rows=_iterations)] = None,
    feature: Annotated[Feature | None, Field("Feature", rows=_features)] = None,
    points: Annotated[int | None, Field("Points", min=0, max=999)] = None,
    estimate_hours: Annotated[Decimal | None, Field("Estimate in hours", min=0, max=9999)] = None,
    assignee_name: Annotated[str | None, Field("Who works on it", max_length=120)] = None,
) -> WorkItem:
    """Change a work item. What is left out stays as it is; what the tracker keeps is refused."""
    given = {
        "title": title.strip() if title is not None else None,
        "kind": kind,
        "iteration": iteration,
        "feature": feature,
        "points": points,
        "estimate_hours": estimate_hours,
        "assignee_name": assignee_name,
    }
    changes = {n: v for n, v in given.items() if v is not None and v != getattr(item, n)}
    if changes.get("title") == "":
        refuse("work.title", "A work item has a title.", field="title", status=422)
    _refuse_masters(item, *changes)
    _same_train(item.team, iteration, feature)
    if "iteration" in changes:
        item.added_on = today_of(item.team.train)
    for name, value in changes.items():
        setattr(item, name, value)
    item.save()
    return item


@action("work_item.start", on=WorkItem, requires="planning.edit", machine=WORK_STATES)
def start_work_item(actor: Actor, item: WorkItem) -> WorkItem:
    """Somebody works on it now."""
    _refuse_masters(item, "state")
    item.started_at = item.started_at or now()
    return item


@action("work_item.log", on=WorkItem, requires="planning.edit", machine=WORK_STATES, label="Log hours")
def log_hours(
    actor: Actor,
    item: WorkItem,
    *,
    spent: Annotated[Decimal, Field("Hours spent since", min=0, max=999)] = Decimal(0),
    remaining: Annotated[
        Decimal | None,
        Field("Hours remaining", "What was left less what was spent, when left out.", min=0, max=9999),
    ] = None,
) -> WorkItem:
    """Say how many hours went into it, and how many are left."""
    _refuse_masters(item, "spent_hours", "remaining_hours")
    if remaining is None and item.remaining_hours is not None:
        remaining = max(Decimal(0), item.remaining_hours - spent)
    item.spent_hours = round(item.spent_hours + spent, 1)
    item.remaining_hours = round(remaining, 1) if remaining is not None else None
    if item.state == WorkState.TODO and spent:
        item.state, item.started_at = WorkState.IN_PROGRESS, item.started_at or now()
    item.save()
    return item


@action("work_item.finish", on=WorkItem, requires="planning.edit", machine=WORK_STATES)
def finish_work_item(actor: Actor, item: WorkItem) -> WorkItem:
    """It is done; nothing remains and nothing blocks it. A start that was still to come is today."""
    _refuse_masters(item, "state")
    item.finished_at = now()
    if item.started_at is not None:
        item.started_at = min(item.started_at, item.finished_at)
    item.remaining_hours = None if item.remaining_hours is None else Decimal(0)
    item.blocked_reason, item.blocked_at = "", None
    return item


@action("work_item.reopen", on=WorkItem, requires="planning.edit", machine=WORK_STATES)
def reopen_work_item(
    actor: Actor,
    item: WorkItem,
    *,
    remaining: Annotated[Decimal | None, Field("Hours remaining", min=0, max=9999)] = None,
) -> WorkItem:
    """There is more to do after all."""
    _refuse_masters(item, "state")
    item.finished_at, item.remaining_hours = None, remaining
    return item


@action("work_item.drop", on=WorkItem, requires="planning.edit", machine=WORK_STATES, danger=True)
def drop_work_item(
    actor: Actor, item: WorkItem, *, reason: Annotated[str, Field("Reason", max_length=200)]
) -> WorkItem:
    """Nobody will do it."""
    _refuse_masters(item, "state")
    item.blocked_reason, item.blocked_at = "", None
    return item


@action(
    "work_item.block", on=WorkItem, requires="planning.edit", machine=WORK_STATES, label="Raise a blocker"
)
def block_work_item(
    actor: Actor,
    item: WorkItem,
    *,
    reason: Annotated[str, Field("What blocks it", max_length=200)],
    impediment: Annotated[
        bool, Field("Raise it as an impediment", "The RTE works it; it ages and escalates.")
    ] = True,
) -> WorkItem:
    """Say what blocks it; in the same step the impediment is raised for the RTE."""
    if not reason.strip():
        refuse("work.reason", "Say what blocks it.", field="reason", status=422)
    item.blocked_reason, item.blocked_at = reason.strip(), now()
    item.save()
    if impediment:
        raise_impediment(
            actor,
            team=item.team,
            title=reason.strip(),
            description=f"Raised from {item.key}: {item.title}",
            feature=item.feature,
        )
    return item


@action("work_item.unblock", on=WorkItem, requires="planning.edit", machine=WORK_STATES)
def unblock_work_item(actor: Actor, item: WorkItem) -> WorkItem:
    """Nothing blocks it any more."""
    item.blocked_reason, item.blocked_at = "", None
    item.save()
    return item


def _blocked_only(actor: Actor, item: WorkItem, params: dict[str, Any]) -> Refusal | None:
    return None if item.blocked_reason else Refusal("work.free", f"Nothing blocks {item}.")


register_guard("work_item.unblock", _blocked_only)


@action(
    "tracker.set",
    creates=TrackerLink,
    requires="planning.plan",
    within="train",
    label="Set a tracker's fields",
)
def set_tracker(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    name: Annotated[str, Field("Tracker", "Its name, as imports give it.", max_length=40)],
    tracker_fields: Annotated[
        list[str], Field("Fields it keeps", f"Of {', '.join(TRACKED)}; all others are kept here.")
    ],
) -> TrackerLink:
    """Say which fields a tracker keeps. Each field has one master: imports write those, people here write the others."""
    if not name.strip():
        refuse("tracker.name", "A tracker has a name.", field="name", status=422)
    unknown = sorted(set(tracker_fields) - set(TRACKED))
    if unknown:
        refuse(
            "tracker.field",
            f"A tracker cannot keep {', '.join(u[:30] for u in unknown[:5])}.",
            remedy=f"Choose among {', '.join(TRACKED)}.",
            field="tracker_fields",
            status=422,
        )
    link = TrackerLink.objects.filter(train=train, name=name.strip()).first() or TrackerLink(
        train=train, name=name.strip()
    )
    link.tracker_fields = [field for field in TRACKED if field in tracker_fields]
    link.save()
    return link
