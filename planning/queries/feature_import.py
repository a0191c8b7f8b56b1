"""What importing a file of features would do: the plan of an import, made by reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from planning.models import PARTS, Feature, FeatureDependency, Theme, exact_wsjf, wsjf_of
from planning.rules import feature_file
from planning.rules.feature_file import FeatureFile, FeatureRow, LineError
from trains.models import Team, Train


@dataclass(slots=True)
class Change:
    """One row of the file against the backlog: the feature, and what would change (field → old, new)."""

    row: FeatureRow
    feature: Feature
    new: bool
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class ImportPlan:
    """Everything an import would do; with errors it does nothing."""

    file: FeatureFile
    changes: list[Change] = field(default_factory=list)
    themes: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)

    @property
    def created(self) -> list[Change]:
        return [c for c in self.changes if c.new]

    @property
    def updated(self) -> list[Change]:
        return [c for c in self.changes if not c.new and c.changes]

    @property
    def unchanged(self) -> int:
        return sum(not c.new and not c.changes for c in self.changes)

    def summary(self) -> dict[str, Any]:
        """The plan in plain terms, for the API and the command."""
        return {
            "format": self.file.format,
            "mapping": self.file.mapping,
            "unused_columns": self.file.unused,
            "rows": len(self.changes),
            "created": len(self.created),
            "updated": len(self.updated),
            "unchanged": self.unchanged,
            "dependencies": len(self.links),
            "left_out": [{"line": line, "why": why} for line, why in self.file.left_out],
            "notes": [{"line": line, "note": note} for line, note in self.file.notes],
            "errors": [{"line": e.line, "column": e.column, "sentence": e.sentence} for e in self.errors],
        }


def plan_import(train: Train, content: bytes, mapping: Mapping[str, str] | None = None) -> ImportPlan:
    """Read the file and compare it with the train's backlog; external ids say which feature is which."""
    file = feature_file.read(content, mapping)
    plan = ImportPlan(file, errors=list(file.errors))
    teams = {
        word.casefold(): team for team in Team.objects.filter(train=train) for word in (team.code, team.name)
    }
    themes = {theme.name.casefold(): theme for theme in Theme.objects.filter(train=train)}
    ids = {row.external_id for row in file.rows}
    known = {f.external_id: f for f in Feature.objects.filter(train=train).exclude(external_id="")}
    wanted: set[str] = set()
    for row in file.rows:
        team = _team(row, teams)
        if row.places and team is None:
            file.notes.append(
                (row.line, f"has no team: none of {', '.join(row.places)} is one of {train.key}")
            )
        if row.team and team is None:
            plan.errors.append(
                LineError(row.line, file.mapping["team"], f"{train.key} has no team {row.team!r}.")
            )
            continue
        feature = known.get(row.external_id)
        if feature is not None and feature.state in ("done", "cancelled"):
            file.left_out.append((row.line, f"is {feature.state} here"))
            continue
        theme = themes.get(row.theme.casefold()) if row.theme else None
        if row.theme and theme is None and row.theme.casefold() not in wanted:
            wanted.add(row.theme.casefold())
            plan.themes.append(row.theme)
        if feature is not None and feature.iteration_id and team is not None and team.pk != feature.team_id:
            plan.errors.append(
                LineError(
                    row.line,
                    file.mapping["team"],
                    f"{feature} is planned for {feature.team}; move it on the board.",
                )
            )
            continue
        new = feature is None
        feature = feature or Feature(train=train, external_id=row.external_id)
        plan.changes.append(_compare(feature, row, team, theme, new=new))
    plan.links = _links(file, ids, known, plan)
    plan.errors.sort(key=lambda e: e.line or 0)
    return plan


def _team(row: FeatureRow, teams: Mapping[str, Team]) -> Team | None:
    """The team that the row names, or the narrowest place on its area path that is one."""
    names = (row.team,) if row.team else row.places
    return next((teams[name.casefold()] for name in names if name.casefold() in teams), None)


def _compare(
    feature: Feature, row: FeatureRow, team: Team | None, theme: Theme | None, *, new: bool
) -> Change:
    wanted: dict[str, Any] = {
        "title": row.title,
        "description": row.description or None,
        "kind": row.kind or None,
        "acceptance": row.acceptance or None,
        "points": row.points,
        "tier": row.tier,
        "team_id": team.pk if team else None,
        "theme_id": theme.pk if theme else None,
    }
    # A committed plan keeps the scores that it was judged by, whatever a tracker says.
    if row.score and not feature.score_frozen_at:
        wanted.update(zip(PARTS, row.score, strict=True))
        wanted["wsjf"], wanted["rank_score"] = wsjf_of(*row.score), exact_wsjf(*row.score)
    change = Change(row, feature, new)
    for name, value in wanted.items():
        old = getattr(feature, name)
        if value is not None and value != old:
            change.changes[name] = (old, value)
    if row.theme and theme is None:
        change.changes["theme"] = (None, row.theme)
    return change


def _links(
    file: FeatureFile, ids: set[str], known: dict[str, Feature], plan: ImportPlan
) -> list[tuple[str, str]]:
    """Pairs (provider, consumer) of external ids that are not linked yet."""
    pairs: dict[tuple[str, str], int] = {}
    left_out = {line for line, _ in file.left_out}
    for row in file.rows:
        if row.line in left_out:
            continue
        for other in row.needs:
            pairs.setdefault((other, row.external_id), row.line)
        for other in row.needed_by:
            pairs.setdefault((row.external_id, other), row.line)
    present = set(
        FeatureDependency.objects.exclude(state="withdrawn")
        .filter(provider__external_id__in=ids | known.keys())
        .values_list("provider__external_id", "consumer__external_id")
    )
    links = []
    for (provider, consumer), line in pairs.items():
        column = file.mapping.get("needs") or file.mapping.get("needed_by", "")
        if provider == consumer:
            plan.errors.append(LineError(line, column, f"{provider} cannot depend on itself."))
        elif not {provider, consumer} <= ids | known.keys():
            # An export is a cut of a larger tracker: links that lead out of it are not the row's fault.
            missing = provider if provider not in ids | known.keys() else consumer
            file.left_out.append((line, f"links to {missing}, which is not in the file"))
        elif (provider, consumer) not in present:
            links.append((provider, consumer))
    return links
