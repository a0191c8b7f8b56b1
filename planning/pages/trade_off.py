"""Trade-offs: options side by side, and the forms that record and decide one."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from planning.actions.trade_offs import create_trade_off, decide_trade_off, review_trade_off
from planning.models import Feature, TradeOff, TradeOffEffect, TradeOffItem
from planning.queries import backlog
from planning.rules.trade_off import MOST_CRITERIA, MOST_OPTIONS
from planning.states import OPEN
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import Train

FIRST_OPTIONS = 3
FIRST_CRITERIA = ("Customer impact", "Cost")
GRADES = (1, 2, 3, 4, 5)


def trade_off_list(request: Any) -> dict[str, Any]:
    return {
        "new_decision": create_trade_off.decide(request.actor, None, {}),
        "new_url": f"{links.page_root()}trade-offs/start/",
    }


def trade_off_page(request: Any, trade_off: TradeOff) -> dict[str, Any]:
    """Options by criteria, the items by effect, and what can be done."""
    items = list(
        TradeOffItem.objects.filter(trade_off=trade_off).select_related("feature").order_by("created_at")
    )
    return {
        "columns": _table(trade_off),
        "effects": [
            (label, [i.feature for i in items if i.effect == effect])
            for effect, label in TradeOffEffect.choices
        ],
        "decide": (decide_trade_off.decide(request.actor, trade_off), f"{links.url_for(trade_off)}decision/"),
        "review": (
            review_trade_off.decide(request.actor, trade_off),
            links.verb_url(review_trade_off, trade_off),
        ),
        "due": trade_off.state == "decided"
        and trade_off.review_on is not None
        and trade_off.review_on <= now().date(),
    }


def _table(trade_off: TradeOff) -> list[tuple[str, list[Any]]]:
    """One line for each criterion, one value for each option."""
    options = trade_off.options
    lines = [("Stability", [o["stability"] for o in options]), ("Velocity", [o["velocity"] for o in options])]
    return [*lines, *((c, [o["scores"].get(c, "–") for o in options]) for c in trade_off.criteria)]


def _features(train: Train | None) -> list[Feature]:
    return list(Feature.objects.filter(train=train, state__in=OPEN).order_by("key")[:300]) if train else []


def _sent_options(sent: Any, criteria: list[str]) -> list[dict[str, Any]]:
    """The options of the form; those without a name are left out."""
    found = []
    for n in range(MOST_OPTIONS):
        name = sent.get(f"name:{n}", "").strip()
        if name:
            found.append(
                {
                    "name": name,
                    "note": sent.get(f"note:{n}", "")[:2000],
                    "stability": _grade(sent.get(f"stability:{n}", "")),
                    "velocity": _grade(sent.get(f"velocity:{n}", "")),
                    "scores": {c: _grade(sent.get(f"score:{n}:{place}", "")) for place, c in criteria},
                }
            )
    return found


def _grade(text: str) -> int | None:
    return int(text) if text in ("1", "2", "3", "4", "5") else None


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Any) -> HttpResponse:
    """Record a decision to be made: its options, weighed by criteria."""
    trains, train = backlog.train_to_show(request.POST.get("train") or request.GET.get("train", ""))
    sent = request.POST
    names = (
        [n.strip()[:80] for n in sent.getlist("criterion")[:MOST_CRITERIA]] if sent else list(FIRST_CRITERIA)
    )
    numbered = [(place, name) for place, name in enumerate(names) if name]
    refusals: list[Refusal] = []
    if request.method == "POST" and sent.get("act") == "record":
        try:
            with transaction.atomic():
                if train is None:
                    raise Refused(Refusal("train.absent", "Choose the train.", field="train", status=422))
                made = create_trade_off(
                    request.actor,
                    train=train,
                    title=sent.get("title", "")[:200],
                    question=sent.get("question", "")[:5000],
                    criteria=[name for _, name in numbered],
                    options=_sent_options(sent, numbered),  # type: ignore[arg-type]
                    items=list(Feature.objects.filter(train=train, key__in=sent.getlist("item"))),
                )
            messages.success(request, f"{made} is recorded.")
            return redirect_to(made)
        except Refused as refused:
            refusals = refused.refusals
    shown = max(FIRST_OPTIONS, sum(bool(sent.get(f"name:{n}")) for n in range(MOST_OPTIONS)))
    shown = min(MOST_OPTIONS, shown + (sent.get("act") == "option"))
    decision = create_trade_off.decide(request.actor, None, {"train": train} if train else {})
    context = {
        "title": "New trade-off",
        "section": "trade-offs",
        "crumbs": [("Trade-offs", f"{links.page_root()}trade-offs/"), ("New", "")],
        "trains": trains,
        "train": train,
        "sent": sent,
        "criteria": [*(n for n in names if n), *([""] if len(names) < MOST_CRITERIA else [])],
        "numbered": [(place, name) for place, name in enumerate(n for n in names if n)],
        "options": [_option(sent, n, numbered) for n in range(shown)],
        "grades": GRADES,
        "features": _features(train),
        "items": set(sent.getlist("item")) | set(request.GET.getlist("item")),
        "decision": decision,
        "refusals": refusals or decision.refusals,
        "back": f"{links.page_root()}trade-offs/",
    }
    return page(
        request, "planning/trade_off_new.html", context, status=refusals[0].status if refusals else 200
    )


def _option(sent: Any, n: int, numbered: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "number": n,
        "name": sent.get(f"name:{n}", ""),
        "note": sent.get(f"note:{n}", ""),
        "grades": [
            (word.capitalize(), f"{word}:{n}", _grade(sent.get(f"{word}:{n}", "")))
            for word in ("stability", "velocity")
        ]
        + [
            (name, f"score:{n}:{new}", _grade(sent.get(f"score:{n}:{place}", "")))
            for new, (place, name) in enumerate(numbered)
        ],
    }


@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: Any, ref: str) -> HttpResponse:
    """Choose an option, say why, and what is accelerated or deferred for it."""
    trade_off = TradeOff.objects.filter(key=ref).select_related("train").first()
    if trade_off is None:
        raise Http404("There is no such trade-off.")
    refusals: list[Refusal] = []
    sent = request.POST
    if request.method == "POST":
        try:
            with transaction.atomic():
                decide_trade_off(
                    request.actor,
                    trade_off,
                    decision=sent.get("decision", "")[:120],
                    rationale=sent.get("rationale", "")[:5000],
                    review_on=_day(sent.get("review_on", "")),
                    accelerated=_chosen(trade_off, sent, "accelerated"),
                    deferred=_chosen(trade_off, sent, "deferred"),
                )
            messages.success(request, f"{trade_off} is decided.")
            return redirect_to(trade_off)
        except Refused as refused:
            refusals = refused.refusals
    allowed = decide_trade_off.decide(request.actor, trade_off)
    effects = {i.feature.key: i.effect for i in trade_off.items.select_related("feature")}
    rows = _features(trade_off.train)
    context = {
        "title": f"Decide {trade_off}",
        "section": "trade-offs",
        "crumbs": [
            ("Trade-offs", f"{links.page_root()}trade-offs/"),
            (str(trade_off), links.url_for(trade_off)),
            ("Decide", ""),
        ],
        "trade_off": trade_off,
        "sent": sent,
        "rows": sorted(
            ((f, sent.get(f"effect:{f.key}") or effects.get(f.key, "")) for f in rows),
            key=lambda row: not row[1],
        ),
        "refusals": refusals or allowed.refusals,
        "allowed": allowed.allowed,
        "back": links.url_for(trade_off),
    }
    return page(
        request, "planning/trade_off_decide.html", context, status=refusals[0].status if refusals else 200
    )


def _chosen(trade_off: TradeOff, sent: Any, effect: str) -> list[Feature]:
    keys = [
        name.removeprefix("effect:")
        for name, value in sent.items()
        if name.startswith("effect:") and value == effect
    ]
    return list(Feature.objects.filter(train=trade_off.train_id, key__in=keys))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2200:
        raise Refused(
            Refusal("trade_off.review_on", "Give the day of the review.", field="review_on", status=422)
        )
    return day
