"""The backlog by WSJF, and scoring a feature in place."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods, require_safe

from planning.actions.scoring import agree_score, score_feature
from planning.models import PARTS, Feature
from planning.queries import backlog
from planning.rules.wsjf import SCALE, TITLES
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views import lists
from releasetrain.kernel.refusals import Refusal, Refused

# The names that the scripts of the form know the parts by.
SCRIPT_PARTS = {"value": "value", "time_criticality": "time", "risk_reduction": "risk", "job_size": "size"}


@require_safe
def show(request: Any) -> HttpResponse:
    """The backlog: open features first by WSJF, unless the address asks for others."""
    if "show" not in request.GET and "state" not in request.GET:
        query = QueryDict(request.GET.urlencode(), mutable=True)
        query["show"] = "open"
        request.GET = query
    resource = resource_of(Feature)
    assert resource is not None
    return lists.show(request, resource)


@require_http_methods(["GET", "HEAD", "POST"])
def scoring(request: Any, ref: str) -> HttpResponse:
    """Give a score, or record the agreed one; both in the same form."""
    feature = Feature.objects.filter(key=ref).select_related("train").first()
    if feature is None:
        raise Http404("There is no such feature.")
    agreeing = request.POST.get("act") == "agree"
    verb = agree_score if agreeing else score_feature
    refusals: list[Refusal] = []
    if request.method == "POST":
        try:
            with transaction.atomic():
                verb(request.actor, feature, **_parts(request.POST))
        except Refused as refused:
            refusals = refused.refusals
        else:
            done = "The agreed score is recorded." if agreeing else "Your score is recorded."
            messages.success(request, f"{feature}: {done}")
            back = request.POST.get("back") or links.url_for(feature)
            return _go(request, back if back.startswith(links.page_root()) else links.url_for(feature))
    said = backlog.scoring(feature)
    context = {
        "title": f"Score {feature}",
        "section": "backlog",
        "crumbs": [
            ("Features", f"{links.page_root()}features/"),
            (str(feature), links.url_for(feature)),
            ("Score", ""),
        ],
        "feature": feature,
        "said": said,
        "parts": _inputs(request, feature, said),
        "scale": SCALE,
        "others": backlog.other_scores(feature),
        "refusals": refusals,
        "may_score": score_feature.decide(request.actor, feature),
        "may_agree": agree_score.decide(request.actor, feature),
        "address": request.path,
        "back": request.POST.get("back") or request.GET.get("back", ""),
        "object_url": links.url_for(feature),
    }
    return page(request, "planning/scoring.html", context, status=refusals[0].status if refusals else 200)


def _parts(sent: Any) -> dict[str, int]:
    missing = [name for name in PARTS if not str(sent.get(name, "")).isdigit()]
    if missing:
        raise Refused(
            *[Refusal("required", f"{_title(n)}: choose a number.", field=n, status=422) for n in missing]
        )
    return {name: int(sent[name]) for name in PARTS}


def _title(part: str) -> str:
    return TITLES["size" if part == "job_size" else part]


def _inputs(request: Any, feature: Feature, said: backlog.Scoring) -> list[dict[str, Any]]:
    """The four parts with what is chosen: what was sent, my own score, the proposal, the agreed value."""
    mine = next((s for s in said.scores if s.scorer_id == request.actor.user_id), None)
    found = []
    for name in PARTS:
        chosen: Any = request.POST.get(name) or getattr(mine, name, None) or said.proposal.get(name)
        chosen = chosen or getattr(feature, name)
        found.append(
            {
                "name": name,
                "title": _title(name),
                "script": SCRIPT_PARTS[name],
                "chosen": int(chosen) if str(chosen or "").isdigit() else None,
                "spread": next((s for s in said.spread if s.column == name.removeprefix("job_")), None),
            }
        )
    return found


def _go(request: Any, url: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return redirect_to(url)
