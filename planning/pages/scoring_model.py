"""Scoring models: the ranking by a model, what other weights would change, and rating a feature under it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from planning.actions.scoring_models import (
    agree_rating,
    create_scoring_model,
    publish_scoring_model,
    rank_backlog,
    rate_feature,
    read_criteria,
    retire_scoring_model,
    stop_ranking,
)
from planning.models import Feature, FrozenScore, ModelScore, ScoringMethod, ScoringModel
from planning.queries import backlog, ranking
from planning.rules import scoring_model as rules
from planning.rules.wsjf import SCALE
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused

BLANK_ROWS = 2
START = (
    {"title": "Business value", "weight": 3, "direction": "benefit", "source": "value"},
    {"title": "Risk exposure", "weight": 2, "direction": "benefit", "source": "tier"},
    {"title": "Regulatory impact", "weight": 2, "direction": "benefit", "source": "rated"},
    {"title": "Job size", "weight": 1, "direction": "cost", "source": "job_size"},
)


def new_model_button(request: Any) -> dict[str, Any]:
    """Where a model is made, and what ranks each train without one."""
    return {
        "new_decision": create_scoring_model.decide(request.actor, None, {}),
        "new_url": f"{links.page_root()}scoring-models/start/",
    }


def _rows(request: Any, given: Any) -> list[dict[str, Any]]:
    """The rows of the form: as sent, else as they are; with empty ones to add criteria."""
    return [*given, *({} for _ in range(BLANK_ROWS))]


def sent_criteria(sent: Any) -> list[dict[str, Any]]:
    """The criteria of a form; rows without a title are left out."""
    found: list[dict[str, Any]] = []
    titles = sent.getlist("title")[: rules.MOST_CRITERIA + BLANK_ROWS]
    for place, title in enumerate(titles):
        if not title.strip():
            continue

        def at(name: str, place: int = place) -> str:
            values = sent.getlist(name)
            return values[place] if place < len(values) else ""

        row: dict[str, Any] = {
            "title": title.strip(),
            "weight": _number(at("weight")),
            "direction": at("direction") or "benefit",
            "source": at("source") or "rated",
        }
        if at("key"):
            row["key"] = at("key")
        found.append(row)
    return found


def _number(text: str) -> float | int | str:
    try:
        number = float(text.replace(",", ".")[:20])
    except ValueError:
        return text
    return int(number) if number == int(number) else number


def model_page(request: Any, model: ScoringModel) -> dict[str, Any]:
    """The criteria with their weights, and the ranking they give or would give."""
    version = ranking.version_of(model)
    tried, refusals = _tried(request, model, version)
    switching = request.GET.get("switch") == "1" and not model.retired_at
    preview = None
    if tried is not None:
        preview = ranking.preview_weights(model, tried[0], tried[1])
    elif switching:
        preview = ranking.preview_ranking(model)
    shown = preview or ranking.preview_weights(
        model, rules.read(version.criteria, version.method), version.method
    )
    criteria = [c.plain() for c in tried[0]] if tried else version.criteria
    actor = request.actor
    return {
        "version": version,
        "rows": _rows(request, sent_criteria(request.GET) if refusals else criteria),
        "criteria": criteria,
        "method": tried[1] if tried else version.method,
        "methods": ScoringMethod.choices,
        "sources": rules.SOURCES.items(),
        "directions": rules.DIRECTIONS.items(),
        "tried": tried is not None,
        "switching": switching,
        "preview": shown,
        "refusals": refusals,
        "versions": list(model.versions.select_related("published_by").order_by("-number")),
        "rated": [c for c in version.criteria if c["source"] == "rated"],
        "frozen": FrozenScore.objects.filter(version__model=model).count(),
        "may_publish": publish_scoring_model.decide(actor, model),
        "switch": stop_ranking.decide(actor, model)
        if model.ranks_backlog
        else rank_backlog.decide(actor, model),
        "retire": (retire_scoring_model.decide(actor, model), links.verb_url(retire_scoring_model, model)),
        "may_rate": actor.may("planning.score", model) or actor.may("planning.edit", model),
        "act_url": f"{links.url_for(model)}apply/",
        "rate_root": f"{links.page_root()}features/",
    }


def _tried(
    request: Any, model: ScoringModel, version: Any
) -> tuple[tuple[tuple[rules.Criterion, ...], str] | None, list[Refusal]]:
    """The weights of the address, when there are any and they differ from today's."""
    if "title" not in request.GET:
        return None, []
    method = request.GET.get("method") or version.method
    try:
        criteria = read_criteria(sent_criteria(request.GET), method)
    except Refused as refused:
        return None, refused.refusals
    if ([c.plain() for c in criteria], method) == (version.criteria, version.method):
        return None, []
    return (criteria, method), []


def _model(ref: str) -> ScoringModel:
    found = ScoringModel.objects.filter(key=ref).select_related("train").first()
    if found is None:
        raise Http404("There is no such scoring model.")
    return found


@require_POST
def apply(request: Any, ref: str) -> HttpResponse:
    """Apply what was previewed: new weights, or another way to rank the backlog."""
    model = _model(ref)
    sent, seen = request.POST, request.POST.get("seen", "")
    try:
        with transaction.atomic():
            if sent.get("act") == "publish":
                method = sent.get("method", "")
                if method not in ScoringMethod.values:
                    raise Refused(Refusal("method", "Choose a method.", field="method", status=422))
                publish_scoring_model(
                    request.actor,
                    model,
                    criteria=sent_criteria(sent),
                    method=ScoringMethod(method),
                    reason=sent.get("reason", "")[:300],
                    seen=seen,
                )
                said = f"{model}: the new weights are version {ranking.version_of(_model(ref)).number}."
            elif model.ranks_backlog:
                stop_ranking(request.actor, model, seen=seen)
                said = f"{model.train.name} ranks its backlog by WSJF again."
            else:
                rank_backlog(request.actor, model, seen=seen)
                said = f"{model.train.name} ranks its backlog by {model.name} now."
    except Refused as refused:
        for refusal in refused.refusals:
            messages.error(request, f"{refusal.sentence} {refusal.remedy}".strip())
        query = sent.copy()
        for name in ("csrfmiddlewaretoken", "seen", "act", "reason"):
            query.pop(name, None)
        return redirect_to(f"{links.url_for(model)}?{query.urlencode()}")
    messages.success(request, said)
    return redirect_to(model)


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Any) -> HttpResponse:
    """A new model: its name, its criteria and their weights."""
    trains, train = backlog.train_to_show(request.POST.get("train") or request.GET.get("train", ""))
    refusals: list[Refusal] = []
    given: Any = START
    method = request.POST.get("method", ScoringMethod.SUM)
    if request.method == "POST":
        given = sent_criteria(request.POST)
        try:
            if train is None or method not in ScoringMethod.values:
                raise Refused(Refusal("train.absent", "Choose the train.", field="train", status=422))
            with transaction.atomic():
                made = create_scoring_model(
                    request.actor,
                    train=train,
                    name=request.POST.get("name", "")[:80],
                    purpose=request.POST.get("purpose", "")[:2000],
                    criteria=given,
                    method=ScoringMethod(method),
                )
            messages.success(request, f"{made} is made. It ranks nothing until you choose it to.")
            return redirect_to(made)
        except Refused as refused:
            refusals = refused.refusals
    decision = create_scoring_model.decide(request.actor, None, {"train": train} if train else {})
    context = {
        "title": "New scoring model",
        "section": "backlog",
        "crumbs": [("Scoring models", f"{links.page_root()}scoring-models/"), ("New", "")],
        "trains": trains,
        "train": train,
        "name": request.POST.get("name", ""),
        "purpose": request.POST.get("purpose", ""),
        "rows": _rows(request, given),
        "method": method,
        "methods": ScoringMethod.choices,
        "sources": rules.SOURCES.items(),
        "directions": rules.DIRECTIONS.items(),
        "decision": decision,
        "refusals": refusals or decision.refusals,
        "back": f"{links.page_root()}scoring-models/",
    }
    return page(
        request, "planning/scoring_model_new.html", context, status=refusals[0].status if refusals else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
def rating(request: Any, ref: str, model: str) -> HttpResponse:
    """Rate a feature under a model, or record the agreed values."""
    chosen = _model(model)
    feature = Feature.objects.filter(key=ref, train=chosen.train_id).select_related("train").first()
    if feature is None:
        raise Http404("There is no such feature in the model's train.")
    version = ranking.version_of(chosen)
    rated = [c for c in version.criteria if c["source"] == "rated"]
    agreeing = request.POST.get("act") == "agree"
    refusals: list[Refusal] = []
    sent = {c["key"]: request.POST.get(c["key"], "") for c in rated}
    if request.method == "POST":
        values = {k: int(v) for k, v in sent.items() if v.isascii() and v.isdigit() and len(v) < 3}
        try:
            with transaction.atomic():
                (agree_rating if agreeing else rate_feature)(
                    request.actor, feature, model=chosen, values=values
                )
            messages.success(
                request, f"{feature}: {'The agreed rating' if agreeing else 'Your rating'} is recorded."
            )
            return redirect_to(chosen)
        except Refused as refused:
            refusals = refused.refusals
    scores = list(
        ModelScore.objects.filter(feature=feature, model=chosen)
        .select_related("scorer", "version")
        .order_by("scored_at")
    )
    agreed = feature.ratings.filter(model=chosen).select_related("version", "agreed_by").first()
    mine = next((s.values for s in scores if s.scorer_id == request.actor.user_id), {})
    known = (agreed.values if agreed else {}) | mine
    context = {
        "title": f"Rate {feature}",
        "section": "backlog",
        "crumbs": [
            ("Scoring models", f"{links.page_root()}scoring-models/"),
            (str(chosen), links.url_for(chosen)),
            (f"Rate {feature}", ""),
        ],
        "feature": feature,
        "model": chosen,
        "version": version,
        "criteria": [
            {**c, "chosen": int(sent[c["key"]]) if sent[c["key"]].isdigit() else known.get(c["key"])}
            for c in rated
        ],
        "scores": [{"score": s, "values": [s.values.get(c["key"], "–") for c in rated]} for s in scores],
        "agreed": agreed,
        "scale": SCALE,
        "refusals": refusals,
        "may_rate": rate_feature.decide(request.actor, feature),
        "may_agree": agree_rating.decide(request.actor, feature),
        "back": links.url_for(chosen),
    }
    return page(request, "planning/rating.html", context, status=refusals[0].status if refusals else 200)
