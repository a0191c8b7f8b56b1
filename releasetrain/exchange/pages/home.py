"""Home: what waits for me, and what the organization is busy with."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.audit.doorway import actions
from releasetrain.exchange import home
from releasetrain.interface.links import page_root, verb_url
from releasetrain.interface.pages import page
from trains.models import Environment, ProgramIncrement, Service, Team, Train

STEPS = (
    ("train.create", Train, "Create a train", "Teams that plan and release together, in one cadence."),
    ("team.create", Team, "Add its teams", "Who is aboard, and how many."),
    ("service.create", Service, "Add services", "What is deployed; or import them from a CSV file."),
    ("environment.create", Environment, "Name the environments", "The way to production, in order."),
    ("pi.create", ProgramIncrement, "Open a Program Increment", "Iterations follow from the cadence."),
)


@require_safe
def show(request: Any) -> HttpResponse:
    """The first page after sign-in."""
    registry = actions()
    steps = [
        {
            "title": title,
            "why": why,
            "done": model.objects.exists(),
            "decision": registry[verb].decide(request.actor),
            "url": verb_url(registry[verb]),
        }
        for verb, model, title, why in STEPS
    ]
    context = {
        "section": "home",
        "title": "Home",
        "waiting": home.waiting_for(request.actor, page_root()),
        "steps": steps if not all(step["done"] for step in steps) else [],
        "member": bool(request.actor.grants),
        **home.overview(request.actor),
    }
    return page(request, "organization/home.html", context)
