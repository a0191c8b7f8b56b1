"""Which features need an endorsement, which have one, and what that means for releases."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from planning.models import Endorsement, EndorsementRule, Feature
from planning.rules import endorsement as rules
from trains.models import Release, ScopeItem


def conditions(train_id: uuid.UUID) -> list[rules.Condition]:
    """The rules in force for a train: its own, and those of the whole organization."""
    rows = EndorsementRule.objects.filter(retired_at__isnull=True).filter(
        Q(train=train_id) | Q(train__isnull=True)
    )
    return [condition_of(rule) for rule in rows.order_by("name")]


def condition_of(rule: EndorsementRule) -> rules.Condition:
    return rules.Condition(rule.name, rule.tier, rule.value, rule.points, tuple(rule.kinds))


def impact_of(feature: Feature) -> rules.Impact:
    return rules.Impact(feature.kind, feature.tier, feature.value, feature.points)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a feature stands: the rule that asks for an endorsement, the live ones, and the last withdrawn."""

    feature: Feature
    rule: rules.Condition | None
    live: tuple[Endorsement, ...]
    withdrawn: Endorsement | None

    @property
    def missing(self) -> bool:
        return self.rule is not None and not self.live

    @property
    def sentence(self) -> str:
        if self.rule is None:
            return f"{self.feature} needs no endorsement."
        if self.live:
            return f"{self.feature} is endorsed by {', '.join(str(e.endorsed_by) for e in self.live)}."
        if self.withdrawn is not None:
            who = self.withdrawn.withdrawn_by or "the platform"
            return (
                f"The endorsement of {self.feature} was withdrawn by {who}: {self.withdrawn.withdrawn_reason}"
            )
        return f"{self.feature} is of high impact ({self.rule.name}: {self.rule.sentence}) and nobody has endorsed it."


def standings(features: Iterable[Feature]) -> list[Standing]:
    """The standing of several features, with two queries and one for each train."""
    rows = list(features)
    by_train = {train: conditions(train) for train in {f.train_id for f in rows}}
    given: dict[uuid.UUID, list[Endorsement]] = {}
    listed = Endorsement.objects.filter(feature__in=rows).select_related("endorsed_by", "withdrawn_by")
    for each in listed.order_by("endorsed_at"):
        given.setdefault(each.feature_id, []).append(each)
    found = []
    for feature in rows:
        mine = given.get(feature.pk, [])
        gone = sorted((e for e in mine if e.withdrawn_at), key=lambda e: e.withdrawn_at)
        found.append(
            Standing(
                feature,
                rules.first_match(by_train[feature.train_id], impact_of(feature)),
                tuple(e for e in mine if not e.withdrawn_at),
                gone[-1] if gone else None,
            )
        )
    return found


def of_release(release: Release) -> list[Standing]:
    """The features in a release's scope that are of high impact."""
    ids = release.items.filter(source_kind="feature", removed_at__isnull=True).values("source_id")
    features = Feature.objects.filter(pk__in=ids).order_by("key")
    return [standing for standing in standings(features) if standing.rule is not None]


def releases_with(feature: Feature) -> list[Release]:
    """The releases that carry a feature and are not over."""
    items = ScopeItem.objects.filter(source_kind="feature", source_id=feature.pk, removed_at__isnull=True)
    return [i.release for i in items.select_related("release") if i.release.is_open]
