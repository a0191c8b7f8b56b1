"""Where a Program Increment's capacity goes: target shares against what is planned and done."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from planning.actions.investment import create_standard_buckets, set_allocation
from planning.models import InvestmentBucket
from planning.queries.allocation import allocation
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused

from .board import find_increment


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any, pi: uuid.UUID) -> HttpResponse:
    """The shares of each bucket; targets are set here."""
    increment = find_increment(pi)
    refusals: list[Refusal] = []
    buckets = list(InvestmentBucket.objects.filter(train=increment.train_id).order_by("position", "name"))
    sent = {b.pk: request.POST.get(f"share:{b.pk}", "").strip() for b in buckets}
    if request.method == "POST":
        try:
            with transaction.atomic():
                if request.POST.get("act") == "standard":
                    create_standard_buckets(request.actor, train=increment.train)
                else:
                    set_allocation(
                        request.actor, increment, shares={b.name: _percent(sent[b.pk]) for b in buckets}
                    )
            messages.success(
                request, "The buckets are there." if not buckets else "The target shares are set."
            )
            return redirect_to(request.path)
        except Refused as refused:
            refusals = refused.refusals
    found = allocation(increment)
    targets = {line.bucket.pk: line.share.target for line in found.lines if line.bucket}
    root = links.page_root()
    context = {
        "title": f"{increment} allocation",
        "section": "board",
        "crumbs": [
            (increment.train.name, links.url_for(increment.train)),
            (str(increment), reverse("planning:plan", args=[request.organization.slug, increment.pk])),
            ("Allocation", ""),
        ],
        "pi": increment,
        "allocation": found,
        "inputs": [(b, sent[b.pk] if refusals else targets.get(b.pk)) for b in buckets],
        "features_url": f"{root}features/?pi={increment.pk}&show=all",
        "buckets_url": f"{root}investment-buckets/?train={increment.train.key}",
        "demand_url": f"{root}demands/?train={increment.train.key}&state=new",
        "may_set": set_allocation.decide(request.actor, increment),
        "may_start": create_standard_buckets.decide(request.actor, None, {"train": increment.train}),
        "refusals": refusals,
        "address": request.path,
    }
    return page(request, "planning/allocation.html", context, status=refusals[0].status if refusals else 200)


def _percent(text: str) -> int | str:
    """What was typed, for the verb to judge; nothing typed is no share."""
    if not text:
        return 0
    return int(text[:6]) if text.isascii() and text.isdigit() else text
