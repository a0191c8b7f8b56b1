"""Importing incidents by hand: choose a file, see what every row would do and every fault, then import all of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from problems.actions.incident_import import Checked, check, import_incidents
from problems.models import Incident
from problems.rules.incident_rows import TABLE
from releasetrain.interface import links
from releasetrain.interface.carrying import errors_csv, packed, sent_file
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import ImportRun

MOST_BYTES = 10 * 1024 * 1024
SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any) -> HttpResponse:
    """Check a file, or import it; nothing is written by a check."""
    source = request.POST.get("source", "").replace("\0", "").strip()[:80]
    refusals: list[Refusal] = []
    found: Checked | None = None
    file: Upload | None = None
    if request.method == "POST":
        try:
            file = sent_file(request, MOST_BYTES)
            if not source:
                raise Refused(Refusal("required", "Name the reporting system.", field="source", status=422))
            if request.POST.get("act") == "import":
                return _import(request, file, source)
            found = check(file, source)
            if request.POST.get("act") == "errors":
                return errors_csv(found.faults)
        except Refused as refused:
            refusals = refused.refusals
    decision = import_incidents.decide(request.actor)
    context = {
        "title": "Import incidents",
        "section": "incidents",
        "crumbs": [("Incidents", f"{links.page_root()}incidents/"), ("Import", "")],
        "source": source,
        "blocked": not decision.allowed,
        "refusals": refusals or decision.refusals,
        "found": found,
        "rows": _rows(found, source) if found else [],
        "file": file,
        "carried": packed(file.content) if file and found and found.rows and not found.faults else "",
        "columns": TABLE.columns,
        "recent": ImportRun.objects.filter(kind__startswith="incidents").order_by("-started_at")[:5],
        "back": f"{links.page_root()}incidents/",
    }
    return page(
        request, "problems/incident_import.html", context, status=refusals[0].status if refusals else 200
    )


def _rows(found: Checked, source: str) -> list[dict[str, Any]]:
    """The first rows with whether they are new."""
    shown = found.rows[:SHOWN]
    known = set(
        Incident.objects.filter(source=source, external_id__in=[r.external_id for r in shown]).values_list(
            "external_id", flat=True
        )
    )
    return [{"row": r, "known": r.external_id in known} for r in shown]


def _import(request: Any, file: Upload, source: str) -> HttpResponse:
    with transaction.atomic():
        run = import_incidents(request.actor, file=file, source=source)
    messages.success(
        request, f"{file.name}: {run.created} created, {run.updated} updated, {run.unchanged} unchanged."
    )
    return redirect_to(f"{links.page_root()}incidents/")
