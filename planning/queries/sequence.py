"""An order of the open features that respects what they need, highest WSJF first."""

from __future__ import annotations

from dataclasses import dataclass

from planning.models import Feature, FeatureDependency
from planning.rules.graph import CycleError, topological_order
from planning.states import LIVE_DEPENDENCY, OPEN
from trains.models import Train


@dataclass(frozen=True, slots=True)
class Step:
    """A feature in its turn. `before` are those it waits for; `reason` says why it stands here."""

    feature: Feature
    place: int
    before: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """The order, or the cycle that makes one impossible."""

    steps: tuple[Step, ...]
    cycle: str = ""


def sequence(train: Train) -> Sequence:
    """The order of a train's open features."""
    features = {
        f.key: f
        for f in Feature.objects.filter(train=train, state__in=OPEN)
        .select_related("team", "iteration")
        .order_by("created_at")
    }
    needs = [
        (consumer, provider)
        for consumer, provider in FeatureDependency.objects.filter(
            consumer__train=train, state__in=LIVE_DEPENDENCY
        ).values_list("consumer__key", "provider__key")
        if consumer in features and provider in features
    ]
    try:
        order = topological_order(features, needs, lambda key: -(features[key].wsjf or 0))
    except CycleError as error:
        return Sequence((), str(error))
    by_score = sorted(features, key=lambda key: -(features[key].wsjf or 0))
    alone = {key: place for place, key in enumerate(by_score, 1)}
    waits: dict[str, list[str]] = {}
    for consumer, provider in needs:
        waits.setdefault(consumer, []).append(provider)
    return Sequence(
        tuple(
            _step(features, key, place, alone[key], waits.get(key, [])) for place, key in enumerate(order, 1)
        )
    )


def _step(features: dict[str, Feature], key: str, place: int, alone: int, before: list[str]) -> Step:
    feature = features[key]
    score = f"WSJF {feature.wsjf}" if feature.wsjf is not None else "not scored"
    if before:
        reason = f"after {', '.join(before)}; {score}"
        if alone < place:
            reason += f", alone it would be {alone}"
    else:
        reason = f"waits for nothing; {score}"
    return Step(feature, place, tuple(before), reason)
