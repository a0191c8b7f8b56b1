"""Splitting a feature in a form: what is too big about it, how to cut it, and the parts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from planning.actions.splitting import split_feature
from planning.models import Feature
from planning.queries.splitting import bigness
from planning.rules.splitting import PATTERN_TITLES, PATTERNS
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import Team

ROWS = 6


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any, ref: str) -> HttpResponse:
    """The form, and the split itself."""
    feature = Feature.objects.filter(key=ref).select_related("team", "train").first()
    if feature is None:
        raise Http404("There is no such feature.")
    sent, refusals = request.POST, []
    if request.method == "POST":
        try:
            with transaction.atomic():
                split_feature(
                    request.actor,
                    feature,
                    pattern=_pattern(sent.get("pattern", "")),
                    parts=_parts(sent),
                    difference_reason=sent.get("difference_reason", ""),
                )
        except Refused as refused:
            refusals = refused.refusals
        else:
            messages.success(request, f"{feature} is split; refine its parts.")
            if request.headers.get("HX-Request") == "true":
                return HttpResponse(status=200, headers={"HX-Redirect": links.url_for(feature)})
            return redirect_to(links.url_for(feature))
    else:
        refusals = split_feature.decide(request.actor, feature).refusals
    context = {
        "title": f"Split {feature}",
        "section": "backlog",
        "crumbs": [
            ("Features", f"{links.page_root()}features/"),
            (str(feature), links.url_for(feature)),
            ("Split", ""),
        ],
        "feature": feature,
        "big": bigness(feature),
        "patterns": PATTERNS,
        "pattern": sent.get("pattern", ""),
        "rows": [
            {
                "number": n,
                **{name: sent.get(f"{name}-{n}", "") for name in ("title", "points", "team", "acceptance")},
            }
            for n in range(1, ROWS + 1)
        ],
        "teams": list(Team.objects.filter(train=feature.train_id).order_by("name")),
        "difference_reason": sent.get("difference_reason", ""),
        "refusals": refusals,
        "blocked": bool(refusals) and request.method != "POST",
        "address": request.path,
        "object_url": links.url_for(feature),
    }
    status = refusals[0].status if refusals and request.method == "POST" else 200
    return page(request, "planning/split.html", context, status=status)


def _pattern(name: str) -> str:
    if name not in PATTERN_TITLES:
        raise Refused(Refusal("feature.pattern", "Choose how to split it.", field="pattern", status=422))
    return name


def _parts(sent: Any) -> list[dict[str, Any]]:
    """The rows that were filled in; a size that is no number is left to be refused as such."""
    found = []
    for n in range(1, ROWS + 1):
        row = {
            name: sent.get(f"{name}-{n}", "").strip() for name in ("title", "points", "team", "acceptance")
        }
        if any(row[name] for name in ("title", "points", "acceptance")):
            points = row["points"]
            number = points.isascii() and points.isdigit() and len(points) < 5
            found.append(
                {
                    "title": row["title"],
                    "points": int(points) if number else points or None,
                    "team": row["team"] or None,
                    "acceptance": row["acceptance"],
                }
            )
    return found
