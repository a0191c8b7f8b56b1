"""The sequence of a train's features."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from planning.actions.sequencing import apply_sequence
from planning.queries import asked
from planning.queries.sequence import sequence
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import ProgramIncrement, Train

# A page of features; all of them are in the answer of the API.
SHOWN = 300


@require_http_methods(["GET", "HEAD", "POST"])
def order(request: Any) -> HttpResponse:
    """The proposed sequence of a train; posted, it is applied to the board."""
    trains = asked.running()
    refusals: list[Refusal] = []
    query = request.POST if request.method == "POST" else request.GET
    train, found = None, None
    keep, whole = True, False
    try:
        train = asked.train_of(query, trains)
        pi = asked.increment_of(query, train)
        keep, whole = asked.flag(query, "keep", default=True), asked.flag(query, "whole", default=False)
        if request.method == "POST" and train is not None:
            return _apply(request, train, pi, keep=keep)
        found = sequence(train, pi, keep=keep, whole=whole) if train else None
    except Refused as refused:
        refusals = refused.refusals
        if train is not None and found is None and all(r.field not in ("pi", "train") for r in refusals):
            found = sequence(train, asked.increment_of(query, train), keep=keep)
    decision = apply_sequence.decide(request.actor, train, {}) if train else None
    context = {
        "title": "Sequence",
        "section": "backlog",
        "crumbs": [("Features", f"{links.page_root()}features/"), ("Sequence", "")],
        "trains": trains,
        "train": train,
        "increments": train.increments.exclude(state="closed").order_by("starts") if train else [],
        "found": found,
        "steps": found.steps[:SHOWN] if found else [],
        "left_out": found.left_out[:SHOWN] if found else [],
        "shown": SHOWN,
        "keep": keep,
        "whole": whole,
        "refusals": refusals,
        "decision": decision,
        "root": links.page_root(),
    }
    return page(request, "planning/sequence.html", context, status=refusals[0].status if refusals else 200)


def _apply(request: Any, train: Train, pi: ProgramIncrement | None, *, keep: bool) -> HttpResponse:
    with transaction.atomic():
        done = apply_sequence(request.actor, train, pi=pi, keep=keep, digest=request.POST.get("digest", ""))
    messages.success(request, f"{done['placed']} placed and {done['moved']} moved on the board.")
    if pi is not None:
        return redirect_to(reverse("planning:board", args=[request.organization.slug, pi.pk]))
    kept = "yes" if keep else "no"
    return redirect_to(f"{links.page_root()}features/sequence/?train={train.key}&keep={kept}")
