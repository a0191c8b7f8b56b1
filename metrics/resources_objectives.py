"""The faces of service level objectives and of KPIs."""

from __future__ import annotations

from metrics.models import Kpi, Slo
from metrics.pages.objectives import kpi_page, slo_page
from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        Slo,
        plural="slos",
        section="slos",
        icon="target",
        columns=("key", "name", "service", "objective", "window_days", "owner"),
        filters=("service", "environment", "kind"),
        search=("key", "name", "series", "service__name"),
        order=("key", "id"),
        template="metrics/slo.html",
        context=slo_page,
        description="What services promise, and how much of what may fail is left.",
    )
)
register(
    Resource(
        Kpi,
        plural="kpis",
        section="kpis",
        icon="target",
        columns=("key", "name", "service", "target", "unit", "owner", "review_on", "vanity"),
        filters=("service", "owner"),
        search=("key", "name", "formula", "decision"),
        order=("key", "id"),
        computed=("vanity",),
        template="metrics/kpi.html",
        context=kpi_page,
        description="Indicators of your own: a formula, a target, an owner, and the decision that each serves.",
    )
)
navigation.register(
    navigation.Place("slos", "Objectives", "target", "slos/", 123, "Learn", "Service level objectives")
)
navigation.register(navigation.Place("kpis", "Indicators", "star", "kpis/", 124, "Learn", "Own indicators"))
