"""The page of a case study: what others read, and for facilitators every place that was taken out."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.pages.parts import further_neighbours, verbs_by_weight
from reviews.models import CaseStudy

_MAIN = ("case_study.publish", "case_study.redact", "case_study.keep")


def study_page(request: HttpRequest, study: CaseStudy) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    return {
        **verbs_by_weight(request, study, _MAIN if study.state == CaseStudy.State.DRAFT else ()),
        **redactions_for(request.actor, study),  # type: ignore[attr-defined]
        "neighbours": further_neighbours(request, study, set())
        if redactions_for(request.actor, study)["facilitates"]  # type: ignore[attr-defined]
        else [],
    }


def redactions_for(actor: Any, study: CaseStudy) -> dict[str, Any]:
    """The text before and the places taken out, for those who facilitate its review only."""
    facilitates = actor.may("reviews.facilitate", study)
    return {
        "facilitates": facilitates,
        "source": study.source if facilitates else "",
        "redactions": study.redactions if facilitates else [],
    }
