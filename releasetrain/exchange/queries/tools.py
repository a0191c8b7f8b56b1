"""The tool catalogue as a matrix of trains and categories, with the gaps in what is seen here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from governance.models import Result
from releasetrain.exchange.models import ConnectorKind, ToolCategory, ToolStandard, ToolUse
from releasetrain.exchange.queries import connectors
from releasetrain.exchange.rules import tools as rules
from releasetrain.kernel.clock import now
from trains.models import Deployment, PipelineRun, Train

MONTHS = 13
_MOST = 50


@dataclass(frozen=True)
class Line:
    """One use with how its connector is and how it stands to the standard."""

    use: ToolUse
    health: rules.Health
    standing: str

    @property
    def standing_word(self) -> str:
        return rules.STANDING_WORDS[self.standing]

    @property
    def standing_tone(self) -> str:
        return rules.STANDING_TONES[self.standing]


@dataclass(frozen=True)
class Cell:
    """What a train uses in a category; it is as well seen as the best of its connectors."""

    train: Train
    category: ToolCategory
    lines: list[Line]

    @property
    def state(self) -> str:
        return min((line.health.state for line in self.lines), key=rules.ORDER.index, default="empty")

    @property
    def gap(self) -> str:
        """Why the category cannot be seen for the train; empty where it can."""
        if not self.lines:
            return "No tool is recorded."
        if self.state == rules.HEALTHY:
            return ""
        return next(line.health.sentence for line in self.lines if line.health.state == self.state)


@dataclass(frozen=True)
class Gap:
    """Something that is used and not seen, or seen and not in order."""

    kind: str
    sentence: str
    about: Any


@dataclass(frozen=True)
class Catalogue:
    """Everything that the page, the file and the endpoint show."""

    rows: list[tuple[Train, list[Cell]]]
    standards: list[ToolStandard]
    gaps: list[Gap]
    shares: list[tuple[date, int, int]]

    @property
    def cells(self) -> list[Cell]:
        return [cell for _, row in self.rows for cell in row]

    @property
    def lines(self) -> list[Line]:
        return [line for cell in self.cells for line in cell.lines]

    @property
    def seen(self) -> int:
        return sum(cell.state == rules.HEALTHY for cell in self.cells)

    @property
    def seen_note(self) -> str:
        return f"of {len(self.cells)} pairs of train and category have a healthy connector"

    @property
    def standard_note(self) -> str:
        _, part, whole = self.shares[-1]
        return f"{part} of {whole} tools in use"


def catalogue() -> Catalogue:
    """The matrix of the organization, today."""
    at = now()
    standards = list(ToolStandard.objects.order_by("category", "stance", "tool"))
    words = [word for standard in standards for word in words_of(standard)]
    uses = list(ToolUse.objects.select_related("train", "team").order_by("category", "tool", "pk"))
    current = [use for use in uses if rules.in_use(_as_rule(use), at.date())]
    signs = connectors.signs({(use.connector_kind, use.connector) for use in current})
    by_cell: dict[tuple[Any, str], list[Line]] = {}
    for use in current:
        health = rules.health(signs.get((use.connector_kind, use.connector)), use.category, at)
        line = Line(use, health, rules.standing(_as_rule(use), words, at.date()))
        by_cell.setdefault((use.train_id, use.category), []).append(line)
    trains = list(Train.objects.order_by("key"))
    rows = [
        (train, [Cell(train, category, by_cell.get((train.pk, category), [])) for category in ToolCategory])
        for train in trains
    ]
    shares = [
        (day, *rules.share(map(_as_rule, uses), words, day)) for day in rules.month_starts(at.date(), MONTHS)
    ]
    found = Catalogue(rows, standards, [], [each for each in shares if each[2]])
    return Catalogue(rows, standards, _gaps(found, current), found.shares)


def words_of(standard: ToolStandard) -> list[rules.Word]:
    """What was said of the tool, today and before."""
    said = [(each["stance"], date.fromisoformat(each["since"])) for each in standard.earlier]
    return [
        rules.Word(standard.category, standard.tool, stance, since)
        for stance, since in [*said, (standard.stance, standard.since)]
    ]


def _as_rule(use: ToolUse) -> rules.Use:
    return rules.Use(use.category, use.tool, use.since, use.ended_on, use.exception_until)


def _gaps(found: Catalogue, current: Sequence[ToolUse]) -> list[Gap]:
    gaps = [
        Gap("standard", _deviation(line), line.use)
        for line in found.lines
        if line.standing in (rules.OFF_STANDARD, rules.EXPIRED)
    ]
    gaps += [
        Gap(
            "connector",
            f"{line.use.tool} of {line.use.team or line.use.train}: {line.health.sentence}",
            line.use,
        )
        for line in found.lines
        if line.health.state != rules.HEALTHY
    ]
    gaps += _silent_pipelines()
    gaps += _unassigned(current)
    gaps += [
        Gap(
            "empty",
            f"{train} names no tool for: {', '.join(str(c.category.label).lower() for c in empty)}.",
            train,
        )
        for train, cells in found.rows
        if (empty := [cell for cell in cells if not cell.lines])
    ]
    return gaps


def _deviation(line: Line) -> str:
    use = line.use
    if line.standing == rules.EXPIRED:
        return f"{use.tool} of {use.team or use.train} was allowed until {use.exception_until:%d %B %Y}."
    return f"{use.tool} of {use.team or use.train} is not a standard for {use.get_category_display().lower()}, and no exception is granted."


def _silent_pipelines() -> list[Gap]:
    """Services that were deployed lately and whose pipeline told nothing of how they were built or tested."""
    since = now() - connectors.RECENT
    deployed = (
        Deployment.objects.filter(finished_at__gte=since)
        .select_related("service")
        .order_by("service_id", "-finished_at")
        .distinct("service_id")
    )
    heard = set(
        Result.objects.filter(reported_at__gte=since)
        .order_by()
        .values_list("artifact__service_id", flat=True)
        .distinct()
    ) | set(
        PipelineRun.objects.filter(recorded_at__gte=since)
        .order_by()
        .values_list("service_id", flat=True)
        .distinct()
    )
    rows = sorted(
        (row for row in deployed if row.service_id not in heard), key=lambda row: str(row.service.name)
    )
    return [
        Gap(
            "pipeline",
            f"{row.service.name} was deployed on {row.finished_at:%d %b}, and its pipeline posted no report in"
            f" {connectors.RECENT / timedelta(days=1):.0f} days.",
            row.service,
        )
        for row in rows[:_MOST]
    ]


def _unassigned(current: Sequence[ToolUse]) -> list[Gap]:
    """Connectors that are there and that no train names."""
    named = {(use.connector_kind, use.connector) for use in current}
    gaps = []
    for kind, model in connectors.MODELS.items():
        for row in model.objects.order_by("name", "pk")[:_MOST]:
            off = getattr(row, "retired_at", None) or getattr(row, "disabled_at", None)
            if (str(kind), str(row.pk)) not in named and not off:
                gaps.append(
                    Gap("unassigned", f"{row.name} is connected, and no train says that it uses it.", row)
                )
    return gaps


def as_data(found: Catalogue) -> dict[str, Any]:
    """The catalogue for programs."""
    return {
        "categories": [{"value": value, "label": label} for value, label in ToolCategory.choices],
        "trains": [
            {
                "train": train.key,
                "cells": [
                    {
                        "category": str(cell.category),
                        "state": cell.state,
                        "gap": cell.gap,
                        "tools": [
                            {
                                "id": line.use.pk,
                                "tool": line.use.tool,
                                "team": str(line.use.team) if line.use.team else None,
                                "connector": ConnectorKind(line.use.connector_kind).label,
                                "health": line.health.state,
                                "health_reason": line.health.sentence,
                                "standing": line.standing,
                                "exception_until": line.use.exception_until,
                            }
                            for line in cell.lines
                        ],
                    }
                    for cell in cells
                ],
            }
            for train, cells in found.rows
        ],
        "gaps": [{"kind": gap.kind, "sentence": gap.sentence} for gap in found.gaps],
        "standardised": [{"day": day, "standard": part, "uses": whole} for day, part, whole in found.shares],
    }
