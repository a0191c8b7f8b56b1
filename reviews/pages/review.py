"""The page of a review: facts first, then causes, then actions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.pages.parts import further_neighbours, verbs_by_weight, verbs_of_part
from releasetrain.interface.links import url_of_ref
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from reviews.models import ActionItem, Review, ReviewFact

# The acts that lead on, by state.
_MAIN = {
    "facts": ("review.accept_facts", "review.add_fact"),
    "causes": ("review.add_cause", "review.agree_causes", "review.add_action"),
    "actions": ("review.close", "review.add_action"),
    "closed": (),
}
# What the page itself shows.
_SHOWN = {
    "releases",
    "deployments",
    "services",
    "review-rules",
    "review-facts",
    "review-causes",
    "action-items",
}
_STAGES = ("facts", "causes", "actions", "closed")
# The order in which the facts are read: what was meant, what happened, what it came to, what does not fit.
_MEASURED = (ReviewFact.Kind.MEASURE,)
_ICONS = {
    "plan": "cal",
    "approval": "gavel",
    "gate": "gate",
    "deployment": "rocket",
    "incident": "alert",
    "rollback": "undo",
    "measure": "chart",
    "gap": "warn",
    "added": "user",
}


def review_page(request: HttpRequest, review: Review) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    at = now()
    facts = list(review.facts.select_related("added_by"))
    lines = [_line(fact) for fact in facts]
    causes = list(review.causes.select_related("evidence", "author"))
    actions = list(review.actions.select_related("owner", "cause"))
    return {
        **verbs_by_weight(request, review, _MAIN[review.state]),
        "neighbours": further_neighbours(request, review, _SHOWN),
        "steps": _steps(review),
        "timeline": [x for x in lines if x["fact"].kind not in (*_MEASURED, ReviewFact.Kind.GAP)],
        "measures": [x for x in lines if x["fact"].kind in _MEASURED],
        "gaps": [x for x in lines if x["fact"].kind == ReviewFact.Kind.GAP],
        "causes": [{"cause": c, "verbs": verbs_of_part(request, c)} for c in causes],
        "actions": [_action(request, item, at.date()) for item in actions],
        "facts_open": review.state == Review.State.FACTS,
        "causes_locked": review.state == Review.State.FACTS,
        "actions_locked": review.state == Review.State.FACTS,
        "overdue": review.state != Review.State.CLOSED and review.due_at < at,
    }


def _steps(review: Review) -> list[dict[str, str]]:
    here = _STAGES.index(review.state)
    labels = dict(Review.State.choices)
    accepted = f"accepted {review.facts_accepted_at:%d %b %H:%M} UTC" if review.facts_accepted_at else ""
    notes = {"facts": accepted, "closed": f"due {review.due_at:%d %b %Y}" if review.closed_at is None else ""}
    return [
        {
            "label": labels[stage],
            "note": notes.get(stage, ""),
            "url": "",
            "state": "done" if i < here or review.state == "closed" else "cur" if i == here else "",
        }
        for i, stage in enumerate(_STAGES)
    ]


def _line(fact: ReviewFact) -> dict[str, Any]:
    link = fact.source_kind == "link"
    url = fact.source_id if link else url_of_ref(Ref(fact.source_kind, fact.source_id, fact.sentence))
    return {"fact": fact, "url": url, "outside": link, "icon": _ICONS.get(fact.kind, "list")}


def _action(request: HttpRequest, item: ActionItem, day: Any) -> dict[str, Any]:
    overdue = item.state == ActionItem.State.OPEN and item.due_on < day
    return {"item": item, "overdue": overdue, "verbs": verbs_of_part(request, item)}
