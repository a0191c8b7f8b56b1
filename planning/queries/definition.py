"""Definitions of Done as they stand: the lines in force, what a feature has met, where teams differ."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planning.models import DefinitionOfDone, DoneLine, DoneMark, Feature
from planning.rules.definition import same
from trains.models import Milestone, Team, Train


@dataclass(frozen=True, slots=True)
class Standing:
    """One line in force for a feature, with the mark that meets it."""

    line: DoneLine
    own: bool
    mark: DoneMark | None


def latest(train_id: Any, team_id: Any = None) -> DefinitionOfDone | None:
    rows = DefinitionOfDone.objects.filter(train_id=train_id, team_id=team_id).select_related("published_by")
    return rows.order_by("-number").first()


def lines_in_force(train_id: Any, teams: Iterable[Any] = ()) -> dict[Any, list[DoneLine]]:
    """The lines in force by team id; None holds the train's own. Two queries, however many teams."""
    wanted = [team for team in teams if team]
    rows = DefinitionOfDone.objects.filter(train_id=train_id).order_by("team_id", "-number")
    newest = {d.pk: d.team_id for d in rows.distinct("team_id") if d.team_id is None or d.team_id in wanted}
    found: dict[Any, list[DoneLine]] = {}
    lines = DoneLine.objects.filter(definition__in=newest).select_related("definition")
    for line in lines.order_by("position"):
        found.setdefault(newest[line.definition_id], []).append(line)
    return found


def _in_order(force: dict[Any, list[DoneLine]], team_id: Any) -> list[tuple[DoneLine, bool]]:
    """The train's lines, then what the team adds; what both ask stands once."""
    found: dict[str, tuple[DoneLine, bool]] = {}
    for line in force.get(None, []):
        found[same(line.text)] = (line, False)
    for line in force.get(team_id, []) if team_id else []:
        found.setdefault(same(line.text), (line, True))
    return list(found.values())


def standing(feature: Feature) -> list[Standing]:
    """Every line in force for the feature, met or not. A line that a new version keeps stays met."""
    force = lines_in_force(feature.train_id, [feature.team_id])
    if not force:
        return []
    marks = DoneMark.objects.filter(feature=feature, withdrawn_at__isnull=True).select_related("marked_by")
    met = {same(mark.text): mark for mark in marks}
    return [Standing(line, own, met.get(same(line.text))) for line, own in _in_order(force, feature.team_id)]


@dataclass(frozen=True, slots=True)
class Item:
    """One feature on the way to a milestone."""

    feature: Feature
    met: int
    of: int

    @property
    def done(self) -> bool:
        return self.met == self.of


@dataclass(frozen=True, slots=True)
class TeamAt:
    """A team at a milestone: what it asks beyond the train, and how far its features are."""

    team: Team
    added: list[DoneLine]
    items: list[Item]
    differs: bool

    @property
    def met(self) -> int:
        return sum(item.done for item in self.items)


def teams_at(train: Train, milestone: Milestone | None) -> list[TeamAt]:
    """Every team of a train: its additions, and its features that are due by the milestone (all, without one)."""
    teams = list(Team.objects.filter(train=train).order_by("name"))
    force = lines_in_force(train.pk, [team.pk for team in teams])
    features = Feature.objects.filter(train=train, team__isnull=False, iteration__isnull=False)
    if milestone is not None:
        features = features.filter(iteration__ends__lte=milestone.on)
        if milestone.pi_id:
            features = features.filter(pi=milestone.pi_id)
    features = features.exclude(state="cancelled").order_by("iteration__starts", "key")
    by_team: dict[uuid.UUID, list[Feature]] = {}
    for feature in features:
        if feature.team_id is not None:
            by_team.setdefault(feature.team_id, []).append(feature)
    marks: dict[Any, set[str]] = {}
    rows = DoneMark.objects.filter(feature__in=features, withdrawn_at__isnull=True)
    for feature_id, text in rows.values_list("feature_id", "text"):
        marks.setdefault(feature_id, set()).add(same(text))
    found = []
    for team in teams:
        lines = _in_order(force, team.pk)
        wanted = {same(line.text) for line, _ in lines}
        items = [
            Item(feature, len(wanted & marks.get(feature.pk, set())), len(wanted))
            for feature in by_team.get(team.pk, [])
        ]
        added = [line for line, own in lines if own]
        found.append(TeamAt(team, added, items, bool(added)))
    return found


def versions(train: Train) -> list[DefinitionOfDone]:
    """Every version of the train and its teams, the latest first."""
    rows = DefinitionOfDone.objects.filter(train=train).select_related("team", "published_by")
    return list(rows.order_by("-published_at").prefetch_related("lines"))
