"""Who is on call now, and the page of a rotation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.actions.on_call import create_rotation
from trains.models import Deployment, OnCallRotation
from trains.queries.on_call import of_rotations, rotation_calendar, schedules_of, who_is_on_call
from trains.rules.intervals import Interval

_SHOWN = timedelta(days=28)
_EXPORTED = timedelta(days=183)


@require_safe
def show(request: Any) -> HttpResponse:
    """Every rotation with who answers now."""
    rows = OnCallRotation.objects.filter(retired_at__isnull=True).select_related("train", "service")
    context = {
        "title": "On call",
        "section": "calendar",
        "crumbs": [
            ("Calendar", reverse("trains:calendar", args=[request.organization.slug])),
            ("On call", ""),
        ],
        "now": of_rotations(rows, now()),
        "rotation_verb": (create_rotation.decide(request.actor), links.verb_url(create_rotation)),
    }
    return page(request, "trains/calendar_on_call.html", context)


def deployment_page(request: HttpRequest, deployment: Deployment) -> dict[str, Any]:
    """Whom a rollback concerns: who is on call for the service."""
    return {"on_call": who_is_on_call(services=[deployment.service])}


def rotation_page(request: Any, rotation: OnCallRotation) -> dict[str, Any]:
    """What the page of a rotation shows beyond the generic one."""
    moment = now()
    return {
        "now": of_rotations([rotation], moment)[0],
        "ahead": schedules_of([rotation], Interval(moment, moment + _SHOWN))[rotation.pk],
        "layers": [
            (layer, [turn.user for turn in layer.turns.all()])
            for layer in rotation.layers.filter(removed_at__isnull=True).prefetch_related("turns__user")
        ],
        "notes": list(rotation.notes.select_related("author")[:5]),
        "export_url": reverse("trains:on-call-export", args=[request.organization.slug, str(rotation.pk)]),
    }


@require_safe
def export(request: Any, pk: Any) -> HttpResponse:
    """Half a year of the rotation as an iCalendar file."""
    rotation = OnCallRotation.objects.filter(pk=pk).first()
    if rotation is None:
        raise Http404
    moment = now().replace(minute=0, second=0, microsecond=0)
    content = rotation_calendar(rotation, Interval(moment, moment + _EXPORTED))
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="on-call.ics"'
    return response
