"""Changes of single backlog items: written when the item is approved, and fallen when it becomes another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q

from governance.models import Board, ChangeModel, ChangeRequest
from governance.ports import kinds_of_backlog_items
from governance.states.changes import CHANGE_MODEL_STATES
from releasetrain.audit.doorway import action
from releasetrain.audit.ledger import append
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse

from .change_models import write_from_model
from .changes import cancel
from .deciding import settle_content

State = ChangeRequest.State
DEAD = (State.REJECTED, State.CANCELLED, State.EXPIRED)
OPEN = (State.DRAFT, State.ASSESSED, State.AWAITING_APPROVAL, State.APPROVED, State.SCHEDULED)


@dataclass(frozen=True)
class BacklogItem:
    """What a change is written for.

    record  the kind of its row, as links name it (``feature``)
    kind    what it is for (``enabler``), as change models name it
    tier    risk tier, 1 the riskiest; None where nobody has said
    text    what a board decides on, by heading
    """

    record: str
    id: UUID
    key: str
    title: str
    kind: str
    tier: int | None
    text: dict[str, str]

    def as_content(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "id": str(self.id),
            "key": self.key,
            "title": self.title,
            "kind": self.kind,
            "tier": self.tier,
            "text": {heading: text for heading, text in self.text.items() if text},
        }


@action("change_model.write_for", on=ChangeModel, requires="changes.author", machine=CHANGE_MODEL_STATES)
def write_for(
    actor: Actor,
    model: ChangeModel,
    *,
    kinds: Annotated[
        list[str] | None,
        Field(
            "Backlog items",
            help="None: changes after it are written by hand.",
            choices=kinds_of_backlog_items,
        ),
    ] = None,
    up_to_tier: Annotated[
        int | None,
        Field("Up to risk tier", help="1 is the riskiest; empty: items of any tier.", min=1, max=4),
    ] = None,
) -> ChangeModel:
    """Have a change after this model written by itself when a backlog item of these kinds is approved."""
    wanted = sorted(set(kinds or []))
    if wanted and not Board.objects.exists():
        refuse(
            "board.none",
            "There is no change board that could decide.",
            remedy="Set up a board.",
            field="kinds",
        )
    for other in ChangeModel.objects.exclude(pk=model.pk).exclude(state=ChangeModel.State.RETIRED):
        both = sorted(set(other.drafts_for) & set(wanted))
        if both:
            refuse(
                "change_model.written_for",
                f"{other} is for {', '.join(both)} already.",
                remedy="Take these kinds from it first.",
                blocked_by=Ref.of(other),
                field="kinds",
            )
    model.drafts_for, model.drafts_up_to_tier = wanted, up_to_tier if wanted else None
    model.save()
    return model


def item_approved(actor: Actor, item: BacklogItem) -> ChangeRequest | None:
    """Write the change of an approved item, where a model is for its kind; an open one is brought up to date."""
    change = _open_change(item.id)
    if change is not None:
        _take_over(actor, change, item)
        return change
    if (
        actor.user_id is None
        or ChangeRequest.objects.filter(backlog_item_id=item.id).exclude(state__in=DEAD).exists()
    ):
        return None
    model = (
        ChangeModel.objects.exclude(state=ChangeModel.State.RETIRED)
        .filter(Q(drafts_up_to_tier__isnull=True) | Q(drafts_up_to_tier__gte=item.tier or 0))
        .filter(drafts_for__contains=[item.kind])
        .first()
    )
    board = Board.objects.filter(kind=Board.Kind.CAB).order_by("created_at").first()
    if model is None or board is None:
        return None
    change = write_from_model(
        actor,
        model,
        title=f"{item.key} {item.title}",
        board=board,
        backlog_item=item.as_content(),
        backlog_item_id=item.id,
    )
    append(actor, "change.create_from_backlog", change, {"backlog_item": item.key, "model": model.key})
    return change


def item_changed(actor: Actor, item: BacklogItem) -> None:
    """The item reads otherwise now: an approval of what it said no longer counts."""
    change = _open_change(item.id)
    if change is not None:
        _take_over(actor, change, item)


def item_given_up(actor: Actor, item: BacklogItem, reason: str) -> None:
    """Nobody will implement the item: neither its change."""
    change = _open_change(item.id)
    if change is not None:
        system = Actor.system(actor.organization_id, f"{item.key} was given up", route="rule")
        cancel(system, change, reason=f"{item.key} was given up: {reason}")


def _open_change(item: UUID) -> ChangeRequest | None:
    return ChangeRequest.objects.select_for_update().filter(backlog_item_id=item, state__in=OPEN).first()


def _take_over(actor: Actor, change: ChangeRequest, item: BacklogItem) -> None:
    content = item.as_content()
    if content == change.backlog_item:
        return
    change.backlog_item = content
    if settle_content(change, f"{item.key} was changed"):
        append(
            actor, "change.content_changed", change, {"revision": change.revision, "backlog_item": item.key}
        )
    change.save()
