"""What waits for refinement, part by part, and what is too big to be planned in one piece."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from planning.actions.features import refine_feature
from planning.actions.tiering import classify_feature
from planning.models import Feature
from planning.queries.splitting import too_big_ones
from planning.rules.refinement import parts
from planning.rules.splitting import PATTERNS
from planning.states import CLOSED, UNREFINED
from releasetrain.interface import links
from releasetrain.interface.pages import page
from trains.models import Train

MOST = 200


@require_safe
def show(request: Any) -> HttpResponse:
    """Every open feature that is not signed, with the parts that it has and those that it lacks."""
    train = Train.objects.filter(key=request.GET.get("train", "")).first()
    waiting = (
        Feature.objects.filter(Q(state__in=UNREFINED) | Q(refined_at__isnull=True), children__isnull=True)
        .exclude(state__in=CLOSED)
        .select_related("team", "train")
        .order_by("-wsjf", "created_at")
    )
    if train:
        waiting = waiting.filter(train=train)
    org, shown = request.organization.slug, list(waiting[:MOST])
    may = {train_.pk: request.actor.may("planning.refine", train_) for train_ in {f.train for f in shown}}
    rows = [
        {
            "feature": feature,
            "parts": parts(vars(feature)),
            "refine": links.verb_url(refine_feature, feature) if may[feature.train_id] else "",
            "classify": links.verb_url(classify_feature, feature) if feature.tier is None else "",
        }
        for feature in shown
    ]
    too_big = [
        {"big": big, "split": reverse("planning:split", args=[org, big.feature.key])}
        for big in too_big_ones(train)[:MOST]
    ]
    context = {
        "title": "Refinement",
        "section": "backlog",
        "crumbs": [("Features", f"{links.page_root()}features/"), ("Refinement", "")],
        "rows": rows,
        "count": waiting.count(),
        "too_big": too_big,
        "patterns": PATTERNS,
        "trains": list(Train.objects.filter(archived_at__isnull=True).order_by("key")),
        "train": train,
        "address": request.path,
        "tier_rule_url": reverse("planning:tier-rule", args=[org]),
        "size_rules_url": f"{links.page_root()}size-rules/",
    }
    return page(request, "planning/refinement.html", context)
