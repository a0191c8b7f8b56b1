"""The faces of quality in planning: tiers, Definition of Done, size limits, production reports, test strategies."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from planning.models import (
    DefinitionOfDone,
    DoneLine,
    DoneMark,
    FeatureReport,
    FeatureRequirement,
    FeatureService,
    SizeRule,
    TestStrategy,
    TestStrategyLine,
    TierAssessment,
    TierRule,
)
from planning.pages.strategy import strategy_page
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register

navigation.register(navigation.Place("done", "Done", "check", "done/", 131, "Plan", "Definition of Done"))


def _met(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    rows = rows.filter(dropped_at__isnull=True)
    return rows.filter(met_at__isnull=value == "no")


register(
    Resource(
        TierRule,
        plural="tier-rules",
        section="backlog",
        columns=("number", "published_at", "published_by", "note"),
        order=("-number",),
    )
)
register(
    Resource(
        TierAssessment,
        plural="tier-assessments",
        section="backlog",
        columns=(
            "feature",
            "tier",
            "score",
            "compliance_class",
            "rule_number",
            "assessed_at",
            "assessed_by",
        ),
        filters=("feature", "tier", "rule_number"),
        order=("-assessed_at",),
        select=("feature", "rule"),
        part_of=lambda part: part.feature,
    )
)
register(
    Resource(
        FeatureRequirement,
        plural="feature-requirements",
        section="backlog",
        columns=("name", "kind", "feature", "met_at", "met_by", "evidence", "dropped_at"),
        filters=(Filter("met", "Met", _met, (("no", "Open"), ("yes", "Met"))), "kind", "feature"),
        search=("name", "feature__key", "evidence"),
        order=("-created_at",),
        part_of=lambda part: part.feature,
    )
)
register(
    Resource(
        DefinitionOfDone,
        plural="definitions-of-done",
        section="board",
        columns=("train", "team", "number", "published_at", "published_by", "note"),
        filters=("train", "team"),
        order=("-published_at",),
    )
)
register(
    Resource(
        DoneLine,
        plural="done-lines",
        section="board",
        columns=("text", "definition", "position"),
        filters=("definition",),
        search=("text",),
        order=("definition", "position"),
        select=("definition__train", "definition__team"),
        part_of=lambda part: part.definition,
    )
)
register(
    Resource(
        DoneMark,
        plural="done-marks",
        section="board",
        columns=("text", "feature", "marked_at", "marked_by", "evidence", "withdrawn_at"),
        filters=("feature",),
        search=("text", "feature__key"),
        order=("-marked_at",),
        part_of=lambda part: part.feature,
    )
)
register(
    Resource(
        SizeRule,
        plural="size-rules",
        section="backlog",
        columns=("train", "most_points", "most_teams", "most_services"),
        filters=("train",),
        order=("train__key",),
        description="Without one, a train has the usual limits.",
    )
)
register(
    Resource(
        FeatureService,
        plural="feature-services",
        section="backlog",
        columns=("feature", "service", "ended_at"),
        filters=("feature", "service"),
        order=("-created_at",),
        part_of=lambda part: part.feature,
    )
)
register(
    Resource(
        FeatureReport,
        plural="production-reports",
        section="backlog",
        columns=("reference", "source", "summary", "feature", "url", "reported_at", "recorded_by"),
        filters=("source", "feature"),
        search=("reference", "summary", "feature__key", "feature__title"),
        order=("-reported_at",),
        hidden=("source_id",),
    )
)
register(
    Resource(
        TestStrategy,
        plural="test-strategies",
        section="backlog",
        columns=("feature", "release", "state", "written_by", "agreed_by", "agreed_at"),
        filters=("state", "feature", "release"),
        search=("approach", "feature__key", "feature__title", "release__key"),
        order=("-created_at",),
        template="planning/strategy.html",
        context=strategy_page,
        select=("feature", "release"),
    )
)
register(
    Resource(
        TestStrategyLine,
        plural="test-strategy-lines",
        section="backlog",
        columns=("what", "level", "automated", "team", "owner", "in_place_at", "evidence"),
        filters=("level", "automated", "strategy"),
        search=("what",),
        order=("-created_at",),
        select=("strategy__feature", "strategy__release"),
        part_of=lambda part: part.strategy,
    )
)
