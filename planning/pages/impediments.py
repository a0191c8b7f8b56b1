"""Open impediments of a train with their age, and what interruptions cost."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions import impediments as actions
from planning.models import Impediment
from planning.queries import impediments as queries
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.models import Escalation

from .choosing import chosen_train


@require_safe
def show(request: Any) -> HttpResponse:
    """What is in the way, the oldest first."""
    trains, train = chosen_train(request)
    root = links.page_root()
    context = {
        "title": "Impediments",
        "section": "impediments",
        "crumbs": [("Impediments", "")],
        "trains": trains,
        "train": train,
        "aged": queries.open_ones(train, now()) if train else [],
        "lost": queries.lost(train) if train else [],
        "root": root,
        "raise": (
            actions.raise_impediment.decide(request.actor, None, {}),
            links.verb_url(actions.raise_impediment),
        ),
        "log": (
            actions.log_interruption.decide(request.actor, None, {}),
            links.verb_url(actions.log_interruption),
        ),
    }
    return page(request, "planning/impediments.html", context)


def impediment_page(request: Any, impediment: Impediment) -> dict[str, Any]:
    """Its age, its escalations, and the hours it took."""
    return {
        "age": impediment.age(now()),
        "escalations": list(Escalation.objects.filter(subject_id=impediment.pk).order_by("-created_at")),
        "hours": sum(each.hours for each in impediment.interruptions.all()),
        "interruptions": list(impediment.interruptions.select_related("iteration", "logged_by")),
    }
