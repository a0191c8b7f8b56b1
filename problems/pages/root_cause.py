"""The page of a root cause: its statement, the steps of its method drawn as that method draws them, evidence, document."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.models import RootCause
from problems.queries.evidence import is_link, record_of
from problems.rules.analysis import METHODS, grouped

from .parts import further_neighbours, verbs_by_weight

_MAIN = {
    "proposed": ("root_cause.validate", "root_cause.edit"),
    "draft": ("root_cause.edit",),
    "validated": ("root_cause.edit",),
    "rejected": ("root_cause.edit",),
}


def root_cause_page(request: HttpRequest, cause: RootCause) -> dict[str, Any]:
    """What the page shows beyond the generic one."""
    branches = grouped(cause.analysis) if cause.method == RootCause.Method.FISHBONE else []
    return {
        **verbs_by_weight(request, cause, _MAIN[cause.state]),
        "neighbours": further_neighbours(request, cause, {"problems", "files"}),
        "branches": branches,
        "evidence": [evidence_of(each) for each in cause.evidence],
        "example": METHODS[cause.method].example,
        "least": METHODS[cause.method].least,
    }


def evidence_of(reference: str) -> dict[str, Any]:
    """A piece of evidence as a link or as the record that it names."""
    link = is_link(reference)
    return {
        "text": reference,
        "url": reference if link else "",
        "record": None if link else record_of(reference),
    }
