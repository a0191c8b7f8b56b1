"""Integration milestones: which versions have to be where, and whether they are, with the evidence."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions.integration import create_requirement
from planning.queries.asked import train_of
from planning.queries.integration import integration_milestones
from releasetrain.interface import links
from releasetrain.interface.pages import page
from trains.actions.milestones import create_milestone
from trains.models import Train


@require_safe
def show(request: Any) -> HttpResponse:
    """Every integration milestone with its requirements."""
    train = train_of(request.GET) if request.GET.get("train") else None
    context = {
        "title": "Integration milestones",
        "section": "integration",
        "crumbs": [("Milestones", f"{links.page_root()}milestones/"), ("Integration", "")],
        "root": links.page_root(),
        "milestones": integration_milestones(train),
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("key")),
        "train": train,
        "require": (create_requirement.decide(request.actor), links.verb_url(create_requirement)),
        "add": (create_milestone.decide(request.actor), links.verb_url(create_milestone)),
    }
    return page(request, "planning/integration.html", context)
