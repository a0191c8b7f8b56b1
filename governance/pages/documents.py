"""The register of documents: by kind what is in force, what runs out soon, and what is missing where it is required."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from governance.actions.documents import create_document, create_standard_kinds
from governance.models import DocumentVersion
from governance.queries.documents import standing_of_kinds
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now

SOON = timedelta(days=30)


@require_safe
def show(request: Any) -> HttpResponse:
    """All kinds with what is there and what is missing."""
    moment = now()
    found = list(standing_of_kinds(None, moment).values())
    waiting = DocumentVersion.objects.filter(state=DocumentVersion.State.DRAFT)
    writing = links.verb_url(create_document)
    context = {
        "title": "Documents",
        "section": "documents",
        "standings": [
            (each, [(s, f"{writing}?kind={each.kind.pk}&{each.kind.about}={s.pk}") for s in each.missing])
            for each in sorted(found, key=lambda s: (not s.missing, not s.kind.tiers, s.kind.title))
        ],
        "missing": sum(len(s.missing) for s in found),
        "in_force": sum(len(s.there) for s in found),
        "waiting": list(waiting.select_related("document", "author").order_by("created_at")[:50]),
        "soon": (moment + SOON).date(),
        "writing": (create_document.decide(request.actor), writing),
        "starting": (
            create_standard_kinds.decide(request.actor, request.organization),
            links.verb_url(create_standard_kinds, request.organization),
        ),
        "root": links.page_root(),
    }
    return page(request, "governance/documents/register.html", context)
