"""Parity as a page: two environments side by side, where they differ, and what is tolerated until when."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.actions.environment_parity import describe_environment, tolerate_difference
from trains.models import Environment
from trains.queries.parity import Found, parity_of, sights_of
from trains.rules.parity import KINDS, Fact, Sight, same

SHOWN = 500
LABELS = {
    "missing": "Missing",
    "version": "Versions",
    "size": "Sizes",
    "flag": "Flags",
    "digest": "Digests",
    "iac": "Infrastructure code",
}
WORDS = {
    "version": "version",
    "size": "size",
    "flag": "flag",
    "digest": "digest",
    "iac": "infrastructure code",
}


@require_safe
def show(request: Any) -> HttpResponse:
    """The differences of two environments by kind, with the values on both sides."""
    environments = list(Environment.objects.order_by("rank", "name"))
    left, right = _pair(request, environments)
    picked = request.GET.get("kind", "")
    picked = picked if picked in (*KINDS, "alike") else ""
    root = links.page_root()
    context: dict[str, Any] = {
        "title": "Parity of environments",
        "section": "parity",
        "crumbs": [("Environments", f"{root}environments/"), ("Parity", "")],
        "root": root,
        "environments": environments,
        "left": left,
        "right": right,
        "picked": picked,
        "parity": None,
    }
    if left is None or right is None:
        return page(request, "trains/parity.html", context)
    found = parity_of(left, right, now())
    counts = {kind: sum(1 for f in found.found if f.difference.kind == kind) for kind in KINDS}
    shown = [f for f in found.found if not picked or f.difference.kind == picked]
    decision = tolerate_difference.decide(request.actor, left)
    context |= {
        "parity": found,
        "pair": urlencode({"left": left.name, "right": right.name}),
        "counts": [(kind, LABELS[kind], counts[kind]) for kind in KINDS],
        "rows": [_row(each, found.left_sight, found.right_sight, left, right) for each in shown[:SHOWN]]
        if picked != "alike"
        else [],
        "alike": _alike(found.left_sight, found.right_sight) if picked == "alike" else [],
        "more": max(0, len(shown) - SHOWN) if picked != "alike" else max(0, found.alike - SHOWN),
        "decision": decision,
        "tolerated": len(found.found) - len(found.open),
        "sides": [
            {
                "environment": environment,
                "sources": _sources(sight),
                "describe": (
                    describe_environment.decide(request.actor, environment),
                    links.verb_url(describe_environment, environment),
                ),
            }
            for environment, sight in ((left, found.left_sight), (right, found.right_sight))
        ],
    }
    return page(request, "trains/parity.html", context)


def _pair(request: Any, environments: list[Environment]) -> tuple[Environment | None, Environment | None]:
    """The pair that was asked for; without a question the last two on the way to production that were looked at."""
    by_name = {e.name: e for e in environments}
    asked = [by_name.get(request.GET.get(side, "")[:80]) for side in ("left", "right")]
    if asked[0] and asked[1] and asked[0] != asked[1]:
        return asked[0], asked[1]
    sights = sights_of(environments) if environments else {}
    ordered = sorted(environments, key=lambda e: (not sights[e.pk].observed, -e.rank, e.name))
    rest = [e for e in ordered if e not in asked]
    left, right = asked[0] or asked[1], None
    if left is None and len(rest) > 1:
        return rest[1], rest[0]
    if left is not None and rest:
        right = rest[0]
    return left, right


def _row(
    each: Found, left_sight: Sight, right_sight: Sight, left: Environment, right: Environment
) -> dict[str, Any]:
    difference = each.difference
    asked = urlencode({"other": right.pk, "fingerprint": difference.fingerprint})
    key = (difference.fact, difference.name)
    return {
        "found": each,
        "kind": WORDS[difference.fact],
        "left": _cell(difference.left, left_sight.facts.get(key)),
        "right": _cell(difference.right, right_sight.facts.get(key)),
        "url": f"{links.verb_url(tolerate_difference, left)}?{asked}",
    }


def _cell(value: Any, fact: Fact | None) -> dict[str, Any]:
    """A value as a person reads it: on and off for flags, digests cut short, the whole in the title."""
    text = (
        "" if value is None else {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    )
    return {
        "text": f"{text[:19]}…" if len(text) > 40 else text,
        "whole": text,
        "source": fact.source if fact else "",
        "seen_at": fact.seen_at if fact else None,
    }


def _alike(left: Sight, right: Sight) -> list[dict[str, Any]]:
    both = sorted(left.facts.keys() & right.facts.keys())
    return [
        {
            "name": name,
            "kind": WORDS[kind],
            "value": _cell(left.facts[kind, name].value, left.facts[kind, name]),
        }
        for kind, name in both
        if same(kind, left.facts[kind, name].value, right.facts[kind, name].value)
    ][:SHOWN]


def _sources(sight: Sight) -> list[dict[str, Any]]:
    """Who looked, at how much, and when last."""
    found: dict[str, dict[str, Any]] = {}
    for fact in sight.facts.values():
        known = found.setdefault(fact.source, {"name": fact.source, "facts": 0, "seen_at": fact.seen_at})
        known["facts"] += 1
        known["seen_at"] = max(known["seen_at"], fact.seen_at)
    return sorted(found.values(), key=lambda row: str(row["name"]))
