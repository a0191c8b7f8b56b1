"""How big features are, against the rule of their train: teams and services they touch."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planning.models import Feature, FeatureDependency, FeatureService, SizeRule
from planning.rules.splitting import Limits, Size, difference, too_big
from planning.states import CLOSED, LIVE_DEPENDENCY, OPEN


def limits_of(trains: Iterable[Any]) -> dict[Any, Limits]:
    """The limits by train; trains without a rule of their own have the usual ones."""
    wanted = set(trains)
    found = dict.fromkeys(wanted, Limits())
    for rule in SizeRule.objects.filter(train__in=wanted):
        found[rule.train_id] = Limits(rule.most_points, rule.most_teams, rule.most_services)
    return found


@dataclass(frozen=True, slots=True)
class Big:
    """A feature with why it is too big."""

    feature: Feature
    size: Size
    reasons: list[str]


def sizes(features: list[Feature]) -> dict[uuid.UUID, Size]:
    """What each feature touches: its own team and those it needs something of, and its services. Two queries."""
    ids = [feature.pk for feature in features]
    teams: dict[uuid.UUID, set[str]] = {f.pk: {f.team.name} if f.team else set() for f in features}
    services: dict[uuid.UUID, list[str]] = {}
    needs = FeatureDependency.objects.filter(consumer__in=ids, state__in=LIVE_DEPENDENCY)
    for consumer, name in needs.values_list("consumer_id", "provider__team__name"):
        if name:
            teams[consumer].add(name)
    touched = FeatureService.objects.filter(feature__in=ids, ended_at=None).order_by("service__name")
    for feature, name in touched.values_list("feature_id", "service__name"):
        services.setdefault(feature, []).append(name)
    return {
        f.pk: Size(
            f.job_size if f.points is None else f.points,
            tuple(sorted(teams[f.pk])),
            tuple(services.get(f.pk, ())),
        )
        for f in features
    }


def bigness(feature: Feature) -> Big:
    """One feature against its train's limits."""
    size = sizes([feature])[feature.pk]
    return Big(feature, size, too_big(size, limits_of([feature.train_id])[feature.train_id]))


def too_big_ones(train: Any = None) -> list[Big]:
    """Open features that are not split yet and pass a limit, the largest first."""
    rows = Feature.objects.filter(state__in=OPEN, children__isnull=True).select_related("team", "train")
    features = list(rows.filter(train=train) if train else rows)
    limits, all_sizes = limits_of({f.train_id for f in features}), sizes(features)
    found = [Big(f, all_sizes[f.pk], too_big(all_sizes[f.pk], limits[f.train_id])) for f in features]
    return sorted(
        (big for big in found if big.reasons),
        key=lambda b: (-len(b.reasons), -(b.size.points or 0), b.feature.key),
    )


@dataclass(frozen=True, slots=True)
class Family:
    """A feature that was split: its parts, and whether they add up to what it was."""

    children: list[Feature]
    total: int
    whole: int | None
    difference: str

    @property
    def done(self) -> int:
        return sum(child.state == "done" for child in self.children)

    @property
    def settled(self) -> bool:
        return all(child.state in CLOSED for child in self.children)


def family(feature: Feature) -> Family | None:
    """The parts of a feature, or None when it was not split."""
    children = list(
        Feature.objects.filter(parent=feature).select_related("team", "iteration").order_by("key")
    )
    if not children:
        return None
    live = [child for child in children if child.state != "cancelled"]
    whole = feature.job_size if feature.points is None else feature.points
    sizes_ = [c.job_size if c.points is None else c.points for c in live]
    return Family(children, sum(s or 0 for s in sizes_), whole, difference(whole, sizes_))
