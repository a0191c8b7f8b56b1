"""The ROAM board and heat map; the page of a threat-model session."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions import risks as actions
from planning.models import Risk, ThreatSession
from planning.queries import risks as queries
from planning.queries.increments import today_of
from releasetrain.interface import links
from releasetrain.interface.pages import page

from .choosing import chosen_increment, chosen_train


@require_safe
def roam(request: Any) -> HttpResponse:
    """Risks of a train in five columns, and where they stand on likelihood and impact."""
    trains, train = chosen_train(request)
    increments, pi = chosen_increment(request, train)
    columns, heat = queries.load(train, pi, today_of(train)) if train else ([], [])
    query = f"?train={train.pk}{f'&pi={pi.pk}' if pi else ''}" if train else ""
    context = {
        "title": "Risks",
        "section": "risks",
        "crumbs": [("Risks", "")],
        "trains": trains,
        "train": train,
        "increments": increments,
        "pi": pi,
        "columns": columns,
        "heat": heat,
        "list_url": f"{links.page_root()}risks/{query}",
        "sessions_url": f"{links.page_root()}threat-sessions/{query.split('&', maxsplit=1)[0]}",
        "new": (
            actions.create_risk.decide(request.actor, None, {"train": train}),
            f"{links.verb_url(actions.create_risk)}{query}",
        ),
    }
    return page(request, "planning/roam.html", context)


def risk_page(request: Any, risk: Risk) -> dict[str, Any]:
    """What a risk threatens, and where it came from."""
    return {
        "links": list(risk.links.select_related("feature", "release")),
        "threats": list(risk.threats.select_related("session")),
        "lapsed": risk.lapsed_on(today_of(risk.train)),
    }


def session_page(request: Any, session: ThreatSession) -> dict[str, Any]:
    """The threats with their controls, each with what can be done."""
    actor = request.actor
    found = []
    for threat in session.threats.select_related("risk", "session").prefetch_related("controls__feature"):
        controls = [
            (
                control,
                None
                if control.feature_id or control.in_place
                else (
                    actions.control_to_backlog.decide(actor, control),
                    links.verb_url(actions.control_to_backlog, control),
                ),
            )
            for control in threat.controls.all()
        ]
        found.append(
            {
                "threat": threat,
                "controls": controls,
                "add": (
                    actions.add_control.decide(actor, threat),
                    links.verb_url(actions.add_control, threat),
                ),
                "register": None
                if threat.risk_id
                else (
                    actions.threat_to_register.decide(actor, threat),
                    links.verb_url(actions.threat_to_register, threat),
                ),
            }
        )
    return {"threats": found}
