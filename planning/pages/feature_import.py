"""Importing features by hand: choose a file, see what would happen row by row, then import it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from planning.actions.feature_import import MOST_BYTES, import_features
from planning.queries.feature_import import ImportPlan, plan_import
from planning.rules.feature_file import FIELDS
from releasetrain.interface import links
from releasetrain.interface.carrying import errors_csv, packed, sent_file
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import ImportRun, Train

SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any) -> HttpResponse:
    """Check a file, or import it; nothing is written by a check."""
    trains = list(Train.objects.filter(archived_at__isnull=True).order_by("key"))
    chosen = request.POST.get("train") or request.GET.get("train", "")
    train = next((t for t in trains if t.key == chosen), trains[0] if len(trains) == 1 else None)
    refusals: list[Refusal] = []
    plan: ImportPlan | None = None
    file: Upload | None = None
    if request.method == "POST":
        try:
            file = sent_file(request, MOST_BYTES)
            if train is None:
                raise Refused(Refusal("train.absent", "Choose the train.", field="train", status=422))
            mapping = _mapping(request.POST.get("mapping", ""))
            if request.POST.get("act") == "import":
                return _import(request, train, file, mapping)
            plan = plan_import(train, file.content, mapping)
            if request.POST.get("act") == "errors":
                return errors_csv(plan.errors)
        except Refused as refused:
            refusals = refused.refusals
    decision = import_features.decide(request.actor, None, {"train": train} if train else {})
    context = {
        "title": "Import features",
        "section": "backlog",
        "crumbs": [("Features", f"{links.page_root()}features/"), ("Import", "")],
        "trains": trains,
        "train": train,
        "decision": decision,
        "blocked": not decision.allowed,
        "refusals": refusals or decision.refusals,
        "plan": plan,
        "changes": plan.changes[:SHOWN] if plan else [],
        "file": file,
        "carried": packed(file.content) if file and plan and not plan.errors else "",
        "mapping": request.POST.get("mapping", ""),
        "fields": FIELDS,
        "recent": ImportRun.objects.filter(kind__startswith="features.").order_by("-started_at")[:5],
        "back": f"{links.page_root()}features/",
    }
    return page(request, "planning/import.html", context, status=refusals[0].status if refusals else 200)


def _mapping(text: str) -> dict[str, str]:
    """Lines of the form field = Column."""
    found = {}
    for line in text.splitlines():
        name, equals, column = line.partition("=")
        if line.strip() and (not equals or not column.strip()):
            raise Refused(
                Refusal(
                    "mapping.line",
                    f"“{line.strip()[:60]}” is not field = Column.",
                    field="mapping",
                    status=422,
                )
            )
        if column.strip():
            found[name.strip()] = column.strip()
    return found


def _import(request: Any, train: Train, file: Upload, mapping: dict[str, str]) -> HttpResponse:
    with transaction.atomic():
        run = import_features(request.actor, train=train, file=file, mapping=mapping)
    messages.success(
        request, f"{file.name}: {run.created} created, {run.updated} updated, {run.unchanged} unchanged."
    )
    return redirect_to(f"{links.page_root()}features/?train={train.key}")
