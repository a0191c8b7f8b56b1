"""The page of a solution train: roll-up of its trains, dependencies, milestones, readiness at integration points."""

from __future__ import annotations

from typing import Any

from planning.queries.solution import roll_up
from releasetrain.interface import links
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import row_id
from trains.actions.solutions import create_solution_increment, create_solution_milestone, report_readiness
from trains.models import SolutionTrain


def solution_page(request: Any, solution: SolutionTrain) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    wanted = row_id(request.GET.get("increment", ""))
    return {
        "root": links.page_root(),
        "found": roll_up(solution, now().date(), wanted),
        "open_increment": (
            create_solution_increment.decide(request.actor),
            links.verb_url(create_solution_increment),
        ),
        "add_milestone": (
            create_solution_milestone.decide(request.actor),
            links.verb_url(create_solution_milestone),
        ),
        "report": (report_readiness.decide(request.actor), links.verb_url(report_readiness)),
    }
