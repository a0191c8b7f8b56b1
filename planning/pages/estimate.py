"""Estimating several features together: each column is compared with its smallest, which is the 1."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from planning.actions.scoring import MOST_TOGETHER, agree_together, score_together
from planning.models import PARTS, Feature, FeatureScore
from planning.queries import backlog, ranking
from planning.rules import wsjf as rules
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused
from trains.models import Train

HEADS = tuple((part, rules.TITLES["size" if part == "job_size" else part]) for part in PARTS)
SHOWN = 25


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any) -> HttpResponse:
    """The sheet: features down, the four columns across; checked, set to multiples of the smallest, or recorded."""
    trains, train = backlog.train_to_show(request.POST.get("train") or request.GET.get("train", ""))
    open_ = ranking.rankable(train.pk) if train else []
    chosen = _chosen(request, open_)
    numbers = _numbers(request, chosen)
    refusals: list[Refusal] = []
    act = request.POST.get("act", "")
    if request.method == "POST" and train is not None:
        if act == "rescale":
            numbers = _rescaled(numbers)
        elif act in ("score", "agree"):
            try:
                with transaction.atomic():
                    _record(request, train, act, chosen, numbers)
                return redirect_to(f"{links.page_root()}features/?train={train.key}")
            except Refused as refused:
                refusals = refused.refusals
    jobs = [
        rules.Job(f.key, *(numbers[f.key][p] for p in PARTS), f.created_at)
        for f in chosen
        if len(numbers[f.key]) == len(PARTS)
    ]
    places = {r.job.id: r for r in rules.rank(jobs)}
    context = {
        "title": "Estimate together",
        "section": "backlog",
        "crumbs": [("Features", f"{links.page_root()}features/"), ("Estimate together", "")],
        "trains": trains,
        "train": train,
        "open": open_,
        "heads": HEADS,
        "scale": rules.SCALE,
        "rows": [
            {
                "feature": f,
                "cells": [(part, title, numbers[f.key].get(part)) for part, title in HEADS],
                "place": places.get(f.key),
            }
            for f in chosen
        ],
        "picked": {f.key for f in chosen},
        "anchors": rules.anchors(jobs),
        "flips": rules.sensitivity(jobs),
        "incomplete": len(chosen) - len(jobs),
        "refusals": refusals,
        "most": MOST_TOGETHER,
        "may_score": score_together.decide(request.actor, None, {"train": train} if train else {}),
        "may_agree": agree_together.decide(request.actor, None, {"train": train} if train else {}),
    }
    return page(request, "planning/estimate.html", context, status=refusals[0].status if refusals else 200)


def _chosen(request: Any, open_: list[Feature]) -> list[Feature]:
    """The picked features; without a pick, those that wait longest for a score, then the others."""
    sent = request.POST if request.method == "POST" else request.GET
    picked = set(sent.getlist("pick"))
    if picked:
        return [f for f in open_ if f.key in picked][:MOST_TOGETHER]
    return sorted(open_, key=lambda f: (f.wsjf is not None, f.created_at))[:SHOWN]


def _numbers(request: Any, chosen: list[Feature]) -> dict[str, dict[str, int]]:
    """What was sent; at first my own scores, else what is agreed."""
    if request.method == "POST":
        return {
            f.key: {
                part: int(text)
                for part in PARTS
                if (text := request.POST.get(f"{part}:{f.key}", "")).isascii()
                and text.isdigit()
                and int(text[:3]) in rules.SCALE
            }
            for f in chosen
        }
    mine = {
        score.feature_id: score
        for score in FeatureScore.objects.filter(scorer=request.actor.user_id, feature__in=chosen)
    }
    return {
        f.key: {part: number for part in PARTS if (number := getattr(mine.get(f.pk, f), part)) is not None}
        for f in chosen
    }


def _rescaled(numbers: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {key: {} for key in numbers}
    for part in PARTS:
        column = {key: row[part] for key, row in numbers.items() if part in row}
        for key, number in rules.rescaled(column).items():
            found[key][part] = number
    return found


def _record(
    request: Any, train: Train, act: str, chosen: list[Feature], numbers: dict[str, dict[str, int]]
) -> None:
    """Record the rows that are complete; a row begun but not finished is refused, an empty one left alone."""
    half = [f.key for f in chosen if 0 < len(numbers[f.key]) < len(PARTS)]
    if half:
        raise Refused(
            Refusal(
                "sheet.half",
                f"{half[0]} has numbers in some columns only.",
                remedy="Fill in all four, or leave all four empty.",
                field="scores",
                status=422,
            )
        )
    sheet = [{"feature": f.key, **numbers[f.key]} for f in chosen if numbers[f.key]]
    verb = agree_together if act == "agree" else score_together
    verb(request.actor, train=train, scores=sheet)
    what = "The agreed scores are" if act == "agree" else "Your scores are"
    messages.success(request, f"{what} recorded for {len(sheet)} features.")
