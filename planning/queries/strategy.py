"""Test strategies as they stand, with their gaps; what they mean for the readiness of a release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planning.models import Feature, FeatureRequirement, TestStrategy, TestStrategyLine
from planning.rules.strategy import Gap, Line, automated_share, gaps
from trains.models import Release, ScopeItem


@dataclass(frozen=True, slots=True)
class Standing:
    """One strategy (or its absence) with its lines and gaps."""

    subject: Any
    strategy: TestStrategy | None
    lines: list[TestStrategyLine]
    gaps: list[Gap]
    automated: int | None

    @property
    def grave(self) -> list[Gap]:
        return [gap for gap in self.gaps if gap.grave]


NONE = Gap("none", "There is no test strategy.", "Write one, and have the quality owner agree.")


def _line(line: TestStrategyLine) -> Line:
    return Line(
        line.level,
        line.what,
        line.automated,
        bool(line.team_id or line.owner_id),
        line.in_place_at is not None,
    )


def standings(subjects: Iterable[Any]) -> list[Standing]:
    """How each feature or release stands; three queries, however many."""
    subjects = list(subjects)
    ids = [s.pk for s in subjects]
    found = TestStrategy.objects.filter(feature__in=ids) | TestStrategy.objects.filter(release__in=ids)
    strategies = {s.feature_id or s.release_id: s for s in found.select_related("agreed_by", "written_by")}
    lines: dict[Any, list[TestStrategyLine]] = {}
    rows = TestStrategyLine.objects.filter(strategy__in=strategies.values(), removed_at__isnull=True)
    for line in rows.select_related("team", "owner").order_by("created_at"):
        lines.setdefault(line.strategy_id, []).append(line)
    words: dict[Any, list[str]] = {}
    asked = FeatureRequirement.objects.filter(feature__in=ids, kind="test", dropped_at__isnull=True)
    for feature, name in asked.values_list("feature_id", "name"):
        words.setdefault(feature, []).append(name)
    result = []
    for subject in subjects:
        strategy = strategies.get(subject.pk)
        own = lines.get(strategy.pk, []) if strategy else []
        told = [_line(line) for line in own]
        missing = (
            gaps(
                told,
                tier=subject.tier,
                agreed=strategy.state == "agreed",
                words=words.get(subject.pk, ()),
            )
            if strategy
            else [NONE]
        )
        result.append(Standing(subject, strategy, own, missing, automated_share(told)))
    return result


def features_in_scope(release: Release) -> list[Feature]:
    ids = ScopeItem.objects.filter(release=release, source_kind="feature", removed_at__isnull=True)
    return list(Feature.objects.filter(pk__in=ids.values("source_id")).order_by("key"))


@dataclass(frozen=True, slots=True)
class Readiness:
    """The strategies of a release and of all features in its scope."""

    own: Standing
    features: list[Standing]

    @property
    def open_gaps(self) -> int:
        return sum(len(each.grave) for each in [self.own, *self.features])


def readiness(release: Release) -> Readiness:
    """What the release's test strategies say of its readiness."""
    own, *features = standings([release, *features_in_scope(release)])
    return Readiness(own, features)
