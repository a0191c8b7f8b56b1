"""The faces of time series and of canary analyses."""

from __future__ import annotations

from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register
from trains.models import CanaryAnalysis, CanaryConfig, Series, SeriesPolicy, SeriesSource
from trains.pages.canaries import config_page
from trains.pages.series import analysis_page, series_page

register(
    Resource(
        Series,
        plural="series",
        section="series",
        icon="chart",
        columns=("name", "labels", "service", "environment", "unit", "last_value", "last_at"),
        filters=("service", "environment", "kind", "source"),
        search=("name", "service__name"),
        order=("name", "id"),
        select=("source",),
        template="trains/series.html",
        context=series_page,
        description="What services measured, posted or pulled; down-sampled with age and kept by policy.",
    )
)
register(
    Resource(
        SeriesSource,
        plural="series-sources",
        section="series",
        icon="chart",
        columns=("name", "expression", "address", "service", "step_seconds", "enabled", "last_error"),
        filters=("service", "environment", "enabled"),
        search=("name", "expression", "address"),
        order=("name", "id"),
        description="Questions to a Prometheus server that are asked again and again; the answers are series.",
    )
)
register(
    Resource(
        SeriesPolicy,
        plural="series-policies",
        section="series",
        icon="clock",
        columns=("beginning", "raw_days", "fine_days", "coarse_days"),
        search=("beginning",),
        order=("beginning", "id"),
        description="How long points are kept as posted, by five minutes and by the hour. Without any: 14, 90 and 750 days.",
    )
)
register(
    Resource(
        CanaryConfig,
        plural="canary-configs",
        section="canaries",
        icon="gate",
        columns=("key", "name", "service", "passes", "marginal"),
        filters=("service",),
        search=("key", "name"),
        order=("name", "id"),
        facts=("service", "passes", "marginal", "retired_at"),
        template="trains/canary_config.html",
        context=config_page,
        description="By which metrics a canary is compared with the version that runs.",
    )
)
register(
    Resource(
        CanaryAnalysis,
        plural="canary-analyses",
        section="canaries",
        icon="gate",
        columns=("key", "service", "verdict", "score", "advice", "config", "judged_at"),
        filters=("service", "verdict", "config", "release"),
        search=("key", "service__name", "config__name"),
        order=("-judged_at", "-id"),
        facts=(
            "verdict",
            "score",
            "advice",
            "reason",
            "config",
            "service",
            "environment",
            "release",
            "baseline",
            "canary",
            "judged_at",
        ),
        template="trains/canary_analysis.html",
        context=analysis_page,
        description="What the judge said of canaries, over which values.",
    )
)
navigation.register(
    navigation.Place("canaries", "Canaries", "gate", "canary-analyses/", 119, "Release", "Canary analyses")
)
navigation.register(
    navigation.Place("series", "Measurements", "chart", "series/", 122, "Learn", "Series of measurements")
)
