"""Configuration: the graph of items with what a change reaches, drift, and what a release and the CMDB disagree in."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.actions.configuration import create_item
from trains.actions.configuration_baselines import (
    accept_discrepancy,
    freeze_baseline,
    tolerate_drift,
    tolerate_stranger,
)
from trains.actions.configuration_import import import_files
from trains.models import ConfigurationItem, ConfigurationRelation, Environment, Release
from trains.ports import Panel
from trains.queries.drift import Found, baselines_of, discrepancies_of, drift_of, items_in, latest_baseline
from trains.queries.impact import Impact, impact_of, rests_on
from trains.rules.impact import Edge
from trains.rules.item_graph import HEIGHT, WIDTH, lay_out

_DRAWN, _LISTED, _HOPS = 60, 500, 6
TABS = (
    ("Impact", "configuration/"),
    ("Items", "configuration-items/"),
    ("Drift", "configuration/drift/"),
    ("Baselines", "configuration-baselines/"),
    ("Audits", "configuration-audits/"),
)
_VERBS = dict(ConfigurationRelation.Kind.choices)


def _frame(here: str, title: str) -> dict[str, Any]:
    root = links.page_root()
    return {
        "title": title,
        "section": "configuration",
        "crumbs": [("Configuration", f"{root}configuration/"), (title, "")]
        if here != "configuration/"
        else [(title, "")],
        "tabs": [{"label": label, "url": root + path, "current": path == here} for label, path in TABS],
        "root": root,
    }


@require_safe
def graph(request: Any) -> HttpResponse:
    """What a change of an item, or a release, reaches: drawn, and as a list with the way to each."""
    asked = {name: request.GET.get(name, "").strip()[:60] for name in ("item", "release")}
    hops = _hops(request.GET.get("hops", ""))
    changed, problem = _changed(asked)
    impact = impact_of(changed, hops=hops, most=_LISTED) if changed is not None else None
    context = {
        **_frame("configuration/", "Configuration"),
        "asked": asked,
        "hops": hops,
        "choices": range(1, _HOPS + 1),
        "problem": problem,
        "impact": impact,
        "picture": _picture(impact) if impact else None,
        "releases": list(
            Release.objects.filter(artifacts__isnull=False)
            .exclude(state__in=["closed", "cancelled", "rolled_back"])
            .distinct()
            .order_by("-created_at")[:50]
        ),
        "candidates": _candidates(),
        "total": ConfigurationItem.objects.count(),
        "new_item": (create_item.decide(request.actor), links.verb_url(create_item)),
        "load": (import_files.decide(request.actor), links.verb_url(import_files)),
    }
    return page(request, "trains/configuration.html", context)


def _hops(said: str) -> int:
    return min(max(int(said), 1), _HOPS) if said.isdecimal() and len(said) < 4 else 4


def _changed(asked: dict[str, str]) -> tuple[Any, str]:
    """The item or release that was asked about, or what is wrong with the question."""
    if asked["release"]:
        release = Release.objects.filter(key=asked["release"]).first()
        return (release, "") if release else (None, f"There is no release {asked['release']}.")
    if asked["item"]:
        key = asked["item"].split(" ", 1)[0].upper()
        items = list(ConfigurationItem.objects.filter(Q(key=key) | Q(name=asked["item"])).order_by("key")[:1])
        return (items, "") if items else (None, f"There is no item {asked['item']}.")
    return None, ""


def _candidates() -> list[ConfigurationItem]:
    """The items on which most hangs, the most critical first."""
    rows = ConfigurationItem.objects.exclude(state=ConfigurationItem.State.RETIRED).annotate(
        hanging=Count("relations_in", filter=Q(relations_in__ended_at__isnull=True))
    )
    return list(rows.order_by("-hanging", "criticality", "key")[:40])


def _picture(impact: Impact) -> dict[str, Any]:
    """What changes on the left, what it rests on before that, what it reaches to the right."""
    walked = list(impact)[:_DRAWN]
    starts = [each.item for each in walked if each.is_start]
    below = [item for item in rests_on(starts, most=_DRAWN) if item.pk not in {w.item.pk for w in walked}]
    columns = {each.item.pk: each.hops for each in walked}
    items = {each.item.pk: each.item for each in walked}
    for item in below[: max(0, _DRAWN - len(walked))]:
        columns[item.pk], items[item.pk] = -1, item
    rows = ConfigurationRelation.objects.filter(
        source__in=list(items), target__in=list(items), ended_at__isnull=True
    ).order_by("created_at", "id")
    edges = [Edge(r.source_id, r.kind, r.target_id) for r in rows]
    drawing = lay_out(columns, columns, edges)
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": (WIDTH, HEIGHT),
        "left_out": max(0, len(impact) - _DRAWN),
        "nodes": [
            {
                "item": items[node.id],
                "url": "?" + urlencode({"item": items[node.id].key}),
                "x": node.x,
                "y": node.y,
                "text_x": node.x + 10,
                "name_y": node.y + 18,
                "note_y": node.y + 34,
                "role": "rests" if columns[node.id] < 0 else "start" if columns[node.id] == 0 else "hit",
                "label": _short(items[node.id].name, 23),
            }
            for node in drawing.nodes
        ],
        "lines": [
            {
                "path": line.path,
                "said": f"{items[line.edge.source].name} {_VERBS[line.edge.kind]} {items[line.edge.target].name}",
            }
            for line in drawing.lines
        ],
    }


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


@require_safe
def drift(request: Any) -> HttpResponse:
    """Every difference between what should run and what scanners saw, what is tolerated, and what nobody has seen."""
    name = request.GET.get("environment", "").strip()[:80]
    environments = list(Environment.objects.order_by("rank", "name"))
    environment = next((e for e in environments if e.name == name), None)
    moment = now()
    found = drift_of(
        items_in(environment).select_related("team", "owner"), moment, environment=environment, strangers=True
    )
    tolerate = {
        True: tolerate_stranger.decide(request.actor),
        False: tolerate_drift.decide(request.actor),
    }
    rows = [
        {
            "found": each,
            "decision": tolerate[each.item is None],
            "url": _tolerate_url(each),
        }
        for each in sorted(found.found, key=lambda f: (not f.is_open, _weight(f), f.sentence))[:_LISTED]
    ]
    context = {
        **_frame("configuration/drift/", "Drift"),
        "environments": environments,
        "environment": environment,
        "rows": rows,
        "open": len(found.open),
        "tolerated": len(found.found) - len(found.open),
        "unseen": found.unseen[:_LISTED],
        "unseen_count": len(found.unseen),
        "looked_at": found.looked_at,
        "oldest": found.oldest,
    }
    return page(request, "trains/configuration_drift.html", context)


def _weight(found: Found) -> int:
    return found.item.criticality if found.item else 0


def _tolerate_url(found: Found) -> str:
    asked = urlencode({"fingerprint": found.difference.fingerprint})
    if found.item is None:
        return f"{links.verb_url(tolerate_stranger)}?{asked}"
    return f"{links.verb_url(tolerate_drift, found.item)}?{asked}"


def item_page(request: Any, item: ConfigurationItem) -> dict[str, Any]:
    """An item with its relations in words, how it is and should be, and what a change of it reaches."""
    moment = now()
    relations = ConfigurationRelation.objects.filter(
        Q(source=item) | Q(target=item), ended_at__isnull=True
    ).select_related("source", "target")
    seen = drift_of([item], moment)
    impact = impact_of([item], hops=_HOPS, most=_LISTED)
    decision = tolerate_drift.decide(request.actor, item)
    return {
        "item": item,
        "relations": list(relations),
        "drift": seen,
        "differences": [
            {"found": each, "decision": decision, "url": _tolerate_url(each)} for each in seen.found
        ],
        "expected": sorted(item.should_be().items()),
        "observations": list(item.observations.select_related("environment").order_by("-observed_at")[:10]),
        "reached": impact.reached[:20],
        "reached_count": len(impact.reached),
        "impact_url": f"{links.page_root()}configuration/?item={item.key}",
    }


def release_configuration(request: HttpRequest, release: Release) -> Panel | None:
    """The panel of a release: its baseline, its deployment units, and where it and the CMDB disagree."""
    if not release.is_open or not ConfigurationItem.objects.exists():
        return None
    builds = list(release.artifacts.select_related("artifact__service", "service"))
    if not builds:
        return None
    found = discrepancies_of(release, now())
    baselines = baselines_of(each.artifact.digest for each in builds)
    actor = request.actor  # type: ignore[attr-defined]
    accept = accept_discrepancy.decide(actor, release)
    left = sum(1 for each in found if each.is_open)
    context = {
        "baseline": latest_baseline(release),
        "units": [(each.artifact, baselines.get(each.artifact.digest)) for each in builds],
        "rows": [
            {
                "found": each,
                "decision": accept,
                "url": f"{links.verb_url(accept_discrepancy, release)}?"
                + urlencode({"fingerprint": each.difference.fingerprint}),
            }
            for each in found
        ],
        "freeze": (
            freeze_baseline.decide(actor, None, {"release": release}),
            f"{links.verb_url(freeze_baseline)}?release={release.pk}",
        ),
        "impact_url": f"{links.page_root()}configuration/?release={release.key}",
        "right": f"{left} to settle" if left else "agrees with the CMDB",
    }
    return "Configuration", "trains/_configuration.html", context, 55
