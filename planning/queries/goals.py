"""How far the backlog covers the quarterly goals, and what serves none of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from planning.models import Feature, QuarterlyGoal, Theme
from planning.states import CLOSED, FeatureState
from trains.models import Release, ScopeItem, Train

GONE = ("cancelled", "rolled_back")


@dataclass(slots=True)
class Covered:
    """Features of a goal or theme: how many, with how many points, and how far they are."""

    features: int = 0
    points: int = 0
    planned: int = 0
    done: int = 0
    done_points: int = 0
    in_release: int = 0

    def add(self, feature: Any, in_release: bool) -> None:
        self.features += 1
        self.points += feature.points or 0
        self.planned += feature.iteration_id is not None
        self.in_release += in_release
        if feature.state == FeatureState.DONE:
            self.done += 1
            self.done_points += feature.points or 0

    @property
    def percent(self) -> int | None:
        """Points done, of all points; None without any."""
        return round(100 * self.done_points / self.points) if self.points else None

    def plain(self) -> dict[str, Any]:
        """For the API."""
        names = ("features", "points", "planned", "done", "done_points", "in_release", "percent")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class GoalLine:
    """A goal with its themes and what they cover. `gap` says what is missing, if anything."""

    goal: QuarterlyGoal
    themes: list[tuple[Theme, Covered]] = field(default_factory=list)
    covered: Covered = field(default_factory=Covered)

    @property
    def gap(self) -> str:
        if not self.themes:
            return "No theme serves this goal."
        if not self.covered.features:
            return "No feature serves this goal."
        if not self.covered.planned and not self.covered.done:
            return "None of its features is planned."
        return ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All goals of a quarter (or of all), and what is in no goal."""

    goals: tuple[GoalLine, ...]
    loose_themes: tuple[tuple[Theme, Covered], ...]
    orphans: tuple[Feature, ...]
    orphan_points: int
    share: int | None


def quarters(train: Train) -> list[str]:
    """The quarters that have goals, the latest first."""
    rows = QuarterlyGoal.objects.filter(train=train).order_by("-quarter").values_list("quarter", flat=True)
    return list(dict.fromkeys(rows))


def coverage(train: Train, quarter: str = "") -> Coverage:
    """The coverage of a train's goals by features; four queries however many there are."""
    goals = QuarterlyGoal.objects.filter(train=train, dropped_at__isnull=True).order_by("-quarter", "title")
    if quarter:
        goals = goals.filter(quarter=quarter)
    lines = {g.pk: GoalLine(g) for g in goals}
    themes: dict[uuid.UUID, tuple[Theme, Covered]] = {
        t.pk: (t, Covered())
        for t in Theme.objects.filter(train=train).select_related("quarterly_goal").order_by("name")
    }
    features = list(
        Feature.objects.filter(train=train).exclude(state=FeatureState.CANCELLED).order_by("created_at")
    )
    released = set(
        ScopeItem.objects.filter(source_kind="feature", removed_at__isnull=True, release__train=train)
        .exclude(release__state__in=GONE)
        .values_list("source_id", flat=True)
    )
    orphans = []
    points = served = 0
    for feature in features:
        theme = themes.get(feature.theme_id) if feature.theme_id else None
        goal = theme[0].quarterly_goal if theme else None
        if theme:
            theme[1].add(feature, feature.pk in released)
        if goal is not None and goal.pk in lines:
            lines[goal.pk].covered.add(feature, feature.pk in released)
        live = goal is not None and goal.dropped_at is None
        if feature.state not in CLOSED:
            points += feature.points or 0
            served += (feature.points or 0) if live else 0
            if not live:
                orphans.append(feature)
    for theme, covered in themes.values():
        if theme.quarterly_goal_id in lines:
            lines[theme.quarterly_goal_id].themes.append((theme, covered))
    loose = tuple(
        (t, c)
        for t, c in themes.values()
        if t.quarterly_goal is None or t.quarterly_goal.dropped_at is not None
    )
    return Coverage(
        tuple(lines.values()),
        loose,
        tuple(orphans),
        sum(f.points or 0 for f in orphans),
        round(100 * served / points) if points else None,
    )


@dataclass(frozen=True, slots=True)
class ReleaseTheme:
    """A theme of a release: the features in its scope that serve it."""

    theme: Theme | None
    features: tuple[Feature, ...]


def themes_of_release(release: Release) -> tuple[ReleaseTheme, ...]:
    """What a release is about, the largest theme first; features without a theme come last."""
    ids = release.items.filter(source_kind="feature", removed_at__isnull=True).values("source_id")
    found: dict[Any, list[Feature]] = {}
    rows = Feature.objects.filter(pk__in=ids).select_related("theme__quarterly_goal").order_by("created_at")
    for feature in rows:
        found.setdefault(feature.theme, []).append(feature)
    ordered = sorted(found.items(), key=lambda pair: (pair[0] is None, -len(pair[1]), str(pair[0])))
    return tuple(ReleaseTheme(theme, tuple(features)) for theme, features in ordered)
