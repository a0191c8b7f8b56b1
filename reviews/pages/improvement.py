"""The page of a proposal: what is to change, why, whose it is, and what became of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.pages.parts import further_neighbours, verbs_by_weight
from releasetrain.interface.links import url_of_ref
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from reviews.models import ImprovementProposal

_MAIN = ("improvement.apply", "improvement.decline")


def improvement_page(request: HttpRequest, proposal: ImprovementProposal) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    open_ = proposal.state == ImprovementProposal.State.OPEN
    return {
        **verbs_by_weight(request, proposal, _MAIN if open_ else ()),
        "neighbours": further_neighbours(request, proposal, {"reviews", "review-causes"}),
        "overdue": open_ and proposal.due_on < now().date(),
        "target_url": url_of_ref(Ref(proposal.target_kind, str(proposal.target_id), proposal.target_label)),
        "result_url": url_of_ref(Ref(proposal.result_kind, proposal.result_id, ""))
        if proposal.result_kind
        else "",
    }
