"""Trade-off decisions: options weighed by criteria, one chosen with its rationale, reviewed later."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from planning.models import Feature, TradeOff, TradeOffEffect, TradeOffItem, TradeOffState
from planning.rules import trade_off as rules
from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, refuse
from trains.models import Train

from .features import belongs_to

Options = Annotated[
    list,  # type: ignore[type-arg]
    Field("Options", 'A list of {"name", "note", "stability", "velocity", "scores": {criterion: 1 to 5}}.'),
]
CriteriaNames = Annotated[
    list[str], Field("Criteria", "One a line; stability and velocity are always weighed.")
]
Items = Annotated[list[Feature], Field("Features it is about")]


def _read(options: list[Any], criteria: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    try:
        return rules.read(options, criteria)
    except rules.BadOptions as bad:
        refuse("trade_off.options", str(bad), field=bad.field)


@action(
    "trade_off.create",
    hidden=True,
    creates=TradeOff,
    requires="planning.edit",
    within="train",
    label="New trade-off",
)
def create_trade_off(
    actor: Actor,
    *,
    train: Annotated[Train, Field("Train")],
    title: Annotated[str, Field("Title", max_length=200)],
    options: Options,
    question: Annotated[str, Field("What is to be decided", long=True)] = "",
    criteria: CriteriaNames = [],  # noqa: B006 - read only
    items: Items = [],  # noqa: B006 - read only
) -> TradeOff:
    """Record a decision to be made between options, with the features it is about."""
    if not title.strip():
        refuse("trade_off.title", "A trade-off has a title.", field="title")
    given, names = _read(options, criteria)
    trade_off = TradeOff.objects.create(
        train=train, title=title.strip(), question=question.strip(), options=given, criteria=names
    )
    _link(trade_off, items, TradeOffEffect.CONCERNED, "items")
    return trade_off


def _link(trade_off: TradeOff, features: list[Feature], effect: TradeOffEffect, field: str) -> None:
    for feature in features:
        belongs_to(trade_off.train_id, **{field: feature})
        item = TradeOffItem.objects.filter(trade_off=trade_off, feature=feature).first()
        item = item or TradeOffItem(trade_off=trade_off, feature=feature)
        item.effect = effect
        item.save()


@action("trade_off.decide", hidden=True, on=TradeOff, requires="planning.commit")
def decide_trade_off(
    actor: Actor,
    trade_off: TradeOff,
    *,
    decision: Annotated[str, Field("Chosen option", max_length=120)],
    rationale: Annotated[str, Field("Rationale", long=True)],
    review_on: Annotated[date, Field("To be reviewed on")],
    accelerated: Annotated[list[Feature], Field("Accelerated features")] = [],  # noqa: B006 - read only
    deferred: Annotated[list[Feature], Field("Deferred features")] = [],  # noqa: B006 - read only
) -> TradeOff:
    """Decide: which option, why, what is accelerated or deferred for it, and when to look at it again."""
    names = [option["name"] for option in trade_off.options]
    if decision not in names:
        refuse("trade_off.decision", f"Choose one of {', '.join(names)}.", field="decision")
    if not rationale.strip():
        refuse("trade_off.rationale", "Say why this option.", field="rationale")
    if review_on <= now().date():
        refuse("trade_off.review_on", "The review lies in the future.", field="review_on")
    both = {f.pk for f in accelerated} & {f.pk for f in deferred}
    if both:
        named = next(f for f in deferred if f.pk in both)
        refuse("trade_off.both", f"{named} cannot be accelerated and deferred.", field="deferred")
    _link(trade_off, accelerated, TradeOffEffect.ACCELERATED, "accelerated")
    _link(trade_off, deferred, TradeOffEffect.DEFERRED, "deferred")
    trade_off.state, trade_off.decision = TradeOffState.DECIDED, decision
    trade_off.rationale, trade_off.review_on = rationale.strip(), review_on
    trade_off.decided_at, trade_off.decided_by_id = now(), actor.user_id
    trade_off.save()
    return trade_off


@action("trade_off.review", on=TradeOff, requires="planning.edit", label="Record the review")
def review_trade_off(
    actor: Actor, trade_off: TradeOff, *, outcome: Annotated[str, Field("What became of it", long=True)]
) -> TradeOff:
    """Look at a decision again and record what became of it."""
    if not outcome.strip():
        refuse("trade_off.outcome", "Say what became of it.", field="outcome")
    trade_off.state, trade_off.outcome, trade_off.reviewed_at = TradeOffState.REVIEWED, outcome.strip(), now()
    trade_off.save()
    return trade_off


def still_open(actor: Actor, trade_off: TradeOff, params: dict[str, Any]) -> Refusal | None:
    """A decision is made once; another one is another record."""
    if trade_off.state == TradeOffState.OPEN:
        return None
    return Refusal(
        "trade_off.decided", f"{trade_off} is decided.", remedy="Record a new trade-off to change it."
    )


def is_decided(actor: Actor, trade_off: TradeOff, params: dict[str, Any]) -> Refusal | None:
    if trade_off.state == TradeOffState.DECIDED:
        return None
    return Refusal("trade_off.early", f"{trade_off} is {trade_off.get_state_display().lower()}, not decided.")


register_guard("trade_off.decide", still_open)
register_guard("trade_off.review", is_decided)
