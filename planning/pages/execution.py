"""The running iteration: its stories and tasks, the burn-up, what interrupted it and what blocks it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from planning.actions.impediments import log_interruption
from planning.actions.work import create_work_item
from planning.actions.work_import import import_work
from planning.queries import asked, execution
from planning.queries.execution import Execution
from releasetrain.interface import formats, links
from releasetrain.interface.charts import Chart, burn_up
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Refusal, Refused

SHOWN = 60


@require_safe
def show(request: Any) -> HttpResponse:
    """An iteration of a train, for all teams or one."""
    trains = asked.running()
    refusals: list[Refusal] = []
    train, found, listed = None, None, []
    try:
        train = asked.train_of(request.GET, trains)
        if train is not None:
            listed = execution.iterations_of(train)
            iteration = asked.iteration_of(request.GET, train, listed)
            team = asked.team_of(request.GET, train)
            found = execution.execution(train, iteration, team) if iteration else None
    except Refused as refused:
        refusals = refused.refusals
    actor = request.actor
    scope = f"?iteration={found.iteration.pk}" if found else ""
    team_word = f"&team={found.team.pk}" if found and found.team else ""
    context = {
        "title": "Iteration",
        "section": "iteration",
        "crumbs": [("Iteration", "")],
        "trains": trains,
        "train": train,
        "iterations": listed,
        "teams": train.teams.order_by("name") if train else [],
        "found": found,
        "chart": _chart(found) if found else None,
        "shown": SHOWN,
        "create": (
            create_work_item.decide(actor, None, {}),
            f"{links.verb_url(create_work_item)}{scope}{team_word}",
        ),
        "bring": (import_work.decide(actor, None, {}), links.verb_url(import_work)),
        "interrupt": (
            log_interruption.decide(actor, None, {}),
            f"{links.verb_url(log_interruption)}{scope}{team_word}",
        ),
        "may": actor.may_somewhere("planning.edit"),
        "refusals": refusals,
        "root": links.page_root(),
        "json": f"/api/v1/orgs/{request.organization.slug}/execution?{request.GET.urlencode()}",
    }
    return page(request, "planning/execution.html", context, status=refusals[0].status if refusals else 200)


def _chart(found: Execution) -> Chart:
    days = found.burn_up.days
    return burn_up(
        f"Burn-up of {found.iteration.name}",
        [formats.short_day(day.on) for day in days],
        [day.scope for day in days],
        [day.done for day in days],
        unit=found.unit,
    )
