"""The wall screen: the state of delivery in figures that are read from five metres away. It renews itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from metrics.dashboards.health import deviation_rows, forecast_words, spoken_value, trend_of
from metrics.health import Sign, health_of
from metrics.pages.dashboards import asked_of, the_dashboard
from problems.models import Incident
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused

SECONDS = 120
# What words alone do not carry over five metres: a shape for each.
SHAPES = {"ok": "ok", "warn": "warn", "bad": "bad", "info": "info"}
SHOWN = ("deployments", "lead_time", "fail_rate", "recovery")


@require_safe
def wall(request: Any) -> HttpResponse:
    """Four figures, the open incidents, and the latest deviation with what happened then."""
    dashboard = the_dashboard("health")
    zone = request.organization.time_zone
    try:
        question = asked_of(dashboard, request.GET, zone)
    except Refused:
        question = asked_of(dashboard, {}, zone)
    found = health_of(question)
    signs = [sign for sign in found.signs if sign.measured.name in SHOWN]
    open_states = (Incident.State.DETECTED, Incident.State.MITIGATED)
    incidents = Incident.objects.filter(state__in=open_states).order_by("severity", "detected_at")
    deviations = deviation_rows(found)
    context = {
        "title": "Wall",
        "seconds": SECONDS,
        "moment": now(),
        "bucket": question.bucket,
        "signs": [_shown(sign) for sign in signs],
        "incidents": len(incidents),
        "worst": incidents[0] if incidents else None,
        "deviation": deviations[-1] if deviations else None,
        "latest": found.told[-1] if found.told else None,
        "forecast": forecast_words(signs[0], question) if signs[0].points else "",
    }
    return page(request, "metrics/wall.html", context)


def _shown(sign: Sign) -> dict[str, Any]:
    last = sign.last
    value = spoken_value(sign, last.value) if last and last.value is not None else "–"
    number, _, unit = value.partition(" ")
    return {
        "title": sign.measured.title,
        "number": number,
        "unit": unit,
        "word": sign.vital.word if last else "no data",
        "tone": sign.vital.tone if last else "info",
        "icon": SHAPES.get(sign.vital.tone, "info"),
        "trend": trend_of(sign) if len(sign.points) > 1 else None,
        "when": last.label if last else "",
    }
