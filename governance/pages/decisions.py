"""The register of decisions as a page: who decided what, when and why, found by words, object, person, kind and time."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from governance.pages.csv_file import csv_file
from governance.queries.asked_decisions import asked
from governance.queries.decisions import KINDS, find
from releasetrain.accounts.models import Membership, User
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.refusals import Ref
from trains.models import Release, Service

MOST_IN_FILE = 10_000


@require_safe
def show(request: Any) -> HttpResponse:
    """A page of decisions, newest first."""
    wanted = asked(request.GET)
    found, more = find(request.actor, wanted)
    rest = request.GET.copy()
    rest.pop("before", None)
    onward = rest.copy()
    if more:
        onward["before"] = str(more)
    members = Membership.objects.filter(organization=request.organization).values("user_id")
    context = {
        "title": "Decisions",
        "section": "decisions",
        "decisions": [
            (each, links.url_of_ref(Ref(each.subject_kind, each.subject_id, each.label))) for each in found
        ],
        "more": onward.urlencode() if more else "",
        "kinds": list(KINDS.items()),
        "people": list(User.objects.filter(pk__in=members).order_by("name")),
        "services": list(Service.objects.order_by("name")),
        "about": [
            *Service.objects.filter(pk__in=wanted.services),
            *Release.objects.filter(pk__in=wanted.releases).select_related("train"),
        ],
        "wanted": wanted,
        "chosen_service": wanted.services[0] if len(wanted.services) == 1 else None,
        "given": request.GET,
        "csv_query": rest.urlencode(),
        "root": links.page_root(),
        "audit": request.actor.may("audit.read"),
    }
    return page(request, "governance/decisions/register.html", context)


@require_safe
def export(request: Any) -> HttpResponse:
    """The decisions found as a table, at most ten thousand."""
    found, _ = find(request.actor, asked(request.GET), MOST_IN_FILE)
    header = ["Entry", "At", "Kind", "Act", "By", "About", "Choice", "Why"]
    rows = (
        [d.id, d.at.isoformat(), d.kind_word, d.verb, str(d.by or ""), d.label, d.choice,
         " ".join(f"{name}: {text}" for name, text in d.why)]
        for d in found
    )  # fmt: skip
    return csv_file("decisions", header, rows)
