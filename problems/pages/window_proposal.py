"""The page of a proposed maintenance window: when it would be, and what each stakeholder says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from problems.models import WindowProposal
from releasetrain.kernel.clock import now
from trains.rules.recurrence import Recurrence, occurrences

from .parts import further_neighbours, verbs_by_weight

_MAIN = {
    "proposed": ("window_proposal.agree", "window_proposal.object", "window_proposal.amend"),
    "agreed": (),
    "superseded": (),
    "withdrawn": (),
}
SHOWN = 5


def proposal_page(request: HttpRequest, proposal: WindowProposal) -> dict[str, Any]:
    """When it would come next, the positions, and the proposals before and after it."""
    first = datetime.combine(proposal.first_day, proposal.first_time)
    rule = Recurrence(first, timedelta(minutes=proposal.minutes), proposal.time_zone, proposal.rrule)
    at = now()
    return {
        **verbs_by_weight(request, proposal, _MAIN[proposal.state]),
        "neighbours": further_neighbours(request, proposal, {"problems", "window-proposals"}),
        "next": [each.starts for each in occurrences(rule, at, at + timedelta(days=800))[:SHOWN]],
        "positions": [{**p, "at": parse_datetime(p["at"]) if p["at"] else None} for p in proposal.positions],
        "later": proposal.replaced_by.first(),
    }
