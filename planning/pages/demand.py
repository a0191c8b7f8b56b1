"""Taking in demand by hand: choose a portfolio tool's file, see what would happen, then import it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from planning.actions.feature_import import MOST_BYTES
from planning.actions.investment import import_demand_file
from planning.queries import backlog
from planning.queries.demand import DemandPlan, plan_demand
from planning.rules import demand_rows
from releasetrain.interface import links
from releasetrain.interface.carrying import packed, sent_file
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import ImportRun

from .feature_import import _mapping


def demand_list(request: Any) -> dict[str, Any]:
    """Where demand is imported."""
    return {
        "import_decision": import_demand_file.decide(request.actor, None, {}),
        "import_url": f"{links.page_root()}demands/import/",
    }


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any) -> HttpResponse:
    """Check a file, or import it; nothing is written by a check."""
    trains, train = backlog.train_to_show(request.POST.get("train") or request.GET.get("train", ""))
    refusals: list[Refusal] = []
    plan: DemandPlan | None = None
    file = None
    if request.method == "POST":
        try:
            file = sent_file(request, MOST_BYTES)
            mapping = _mapping(request.POST.get("mapping", ""))
            if train is None:
                raise Refused(Refusal("train.absent", "Choose the train.", field="train", status=422))
            if request.POST.get("act") == "import":
                with transaction.atomic():
                    run = import_demand_file(request.actor, train=train, file=file, mapping=mapping)
                messages.success(
                    request,
                    f"{file.name}: {run.created} new, {run.updated} changed, {run.unchanged} unchanged.",
                )
                return redirect_to(f"{links.page_root()}demands/?train={train.key}")
            plan = plan_demand(train, demand_rows.read_csv(file.content, mapping))
        except Refused as refused:
            refusals = refused.refusals
    decision = import_demand_file.decide(request.actor, None, {"train": train} if train else {})
    context = {
        "title": "Import demand",
        "section": "demand",
        "crumbs": [("Demand", f"{links.page_root()}demands/"), ("Import", "")],
        "trains": trains,
        "train": train,
        "decision": decision,
        "refusals": refusals or decision.refusals,
        "plan": plan,
        "file": file,
        "carried": packed(file.content) if file and plan and not plan.errors else "",
        "mapping": request.POST.get("mapping", ""),
        "fields": demand_rows.FIELDS,
        "recent": ImportRun.objects.filter(kind="demand").order_by("-started_at")[:5],
        "back": f"{links.page_root()}demands/",
    }
    return page(
        request, "planning/demand_import.html", context, status=refusals[0].status if refusals else 200
    )
