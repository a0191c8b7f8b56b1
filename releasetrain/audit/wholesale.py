"""Many acts of one creating verb at once, each with what it would have alone: right, guards, entry, effects.

What costs a round trip per act is asked once for all of them. A plug that says nothing about many acts is simply
called for each, so that whoever plugs in later is never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.tasks import enqueue

from . import ledger, tasks
from .doorway import Action, Effect, Rider, explained, loggable
from .subscriptions import followed_verbs


@dataclass(frozen=True)
class Act:
    """One act of several: by whom, and with what parameters."""

    actor: Actor
    params: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """An act with the object that it made or concerns."""

    actor: Actor
    about: Any
    params: dict[str, Any]


ManyEffect = Callable[[Sequence[Done]], None]
ManyRider = Callable[[Sequence[Any]], ledger.Statement | None]
_effects: dict[Effect, ManyEffect] = {}
_riders: dict[Rider, ManyRider] = {}


def effect_of_many(effect: Effect, many: ManyEffect) -> None:
    """Say how an effect is brought about for many acts; it must come to the same as one call for each."""
    _effects[effect] = many


def rider_of_many(rider: Rider, many: ManyRider) -> None:
    """Say which one statement stands for the riders of many acts."""
    _riders[rider] = many


def perform_many(
    action: Action, acts: Sequence[Act], body: Callable[[Sequence[Act]], list[Any]]
) -> list[Any]:
    """Perform the acts, all or nothing; `body` makes one object for each, in their order."""
    if not acts:
        return []
    with transaction.atomic():
        for act in acts:
            refusals = action.decide(act.actor, None, act.params).refusals
            if refusals:
                raise Refused(*refusals)
        try:
            made = body(acts)
        except IntegrityError as error:
            raise Refused(explained(error)) from error
        done = [Done(act.actor, about, act.params) for act, about in zip(acts, made, strict=True)]
        ledger.append_many(
            [
                ledger.Entry(
                    each.actor,
                    action.verb,
                    each.about,
                    {
                        "params": {
                            name: loggable(value)
                            for name, value in each.params.items()
                            if name not in action.quiet and value is not None
                        },
                        "changes": {},
                    },
                    str(each.params.get("reason") or ""),
                )
                for each in done
            ],
            riders=_statements(action, made),
        )
        if action.verb in followed_verbs():
            enqueue(tasks.consume, acts[0].actor.organization_id)
        for effect in action.effects:
            if effect in _effects:
                _effects[effect](done)
                continue
            for each in done:
                effect(each.actor, each.about, each.params)
    return made


def _statements(action: Action, made: Sequence[Any]) -> list[ledger.Statement]:
    found = []
    for rider in action.riders:
        many = _riders.get(rider)
        found += [many(made)] if many else [rider(about) for about in made]
    return [statement for statement in found if statement]
