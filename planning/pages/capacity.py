"""The capacity of a Program Increment: people, holidays, load, history and risk, and what was made of them."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from planning.actions.capacity import add_person, compute_capacity, record_absence, set_profile
from planning.queries.capacity import capacity_plan
from planning.rules.capacity import STANDARD_RULE
from releasetrain.interface import links
from releasetrain.interface.pages import page

from .board import find_increment


@require_safe
def show(request: Any, pi: uuid.UUID) -> HttpResponse:
    """Every team's iterations: the suggestion with its arithmetic beside what is set."""
    increment = find_increment(pi)
    slug = request.organization.slug
    actor = request.actor
    context = {
        "title": f"{increment} capacity",
        "section": "board",
        "crumbs": [
            (increment.train.name, links.url_for(increment.train)),
            (str(increment), links.url_for(increment)),
            ("Capacity", ""),
        ],
        "pi": increment,
        "plan": capacity_plan(increment),
        "steps": [(f"{start:g}", f"{share:.0%}") for start, share in STANDARD_RULE.steps],
        "version": STANDARD_RULE.version,
        "compute": (compute_capacity.decide(actor, increment), links.verb_url(compute_capacity, increment)),
        "add": (add_person.decide(actor, None, {}), links.verb_url(add_person)),
        "away": (record_absence.decide(actor, None, {}), links.verb_url(record_absence)),
        "rule_url": links.verb_url(set_profile),
        "board_url": reverse("planning:board", args=[slug, increment.pk]),
        "plan_url": reverse("planning:plan", args=[slug, increment.pk]),
        "root": links.page_root(),
    }
    return page(request, "planning/capacity.html", context)
