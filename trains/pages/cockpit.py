"""The release cockpit: the page of a release."""

from __future__ import annotations

import json
from typing import Any

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import actions
from releasetrain.audit.models import LedgerEntry
from releasetrain.interface import links, neighbours
from releasetrain.interface.resources import Resource, resource_of
from releasetrain.interface.views.objects import verbs_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from trains.models import Release, ScopeItem
from trains.ports import panels_of
from trains.queries.cockpit import activity_of, matrix_of, scope_of, stages_of
from trains.queries.packaging import without_criteria
from trains.states import RELEASE_STATES

_MAIN_VERBS = 2
_SHOWN = {
    "trains",
    "increments",
    "scope-items",
    "release-artifacts",
    "deployments",
    "problem-fixes",
    "reviews",
    "content-briefs",
    "release-notes",
    "walkthroughs",
    "commitment-changes",
    "rollback-criteria",
    "readiness-answers",
    "scope-changes",
    "data-migrations",
    "rollouts",
    "rollback-plans",
    "feature-flags",
}


def cockpit(request: Any, release: Release) -> dict[str, Any]:
    """What the cockpit shows beyond the generic page of a release."""
    scope = scope_of(release)
    artifacts = list(release.artifacts.select_related("artifact__service", "service"))
    matrix = matrix_of(release, artifacts)
    resource = resource_of(release)
    assert resource is not None
    verbs = _by_weight(release, [v for v in verbs_of(request, resource, release) if _worth_a_button(v)])
    panels = panels_of(request, release)
    criteria = list(release.rollback_criteria.filter(retired_at__isnull=True).select_related("item"))
    return {
        "title": f"Release {release.version}",
        "root": links.page_root(),
        "scope": scope,
        "scope_rows": [(item, _address(item)) for item in scope.items],
        "criteria": criteria,
        "bare": {item.pk for item in without_criteria(release)},
        "artifacts": artifacts,
        "matrix": matrix,
        "steps": stages_of(release, scope, len(artifacts), matrix),
        "panels": [p for p in panels if not p["aside"]],
        "side_panels": [p for p in panels if p["aside"]],
        "main_verbs": verbs[:_MAIN_VERBS],
        "more_verbs": verbs[_MAIN_VERBS:],
        "neighbours": _further_neighbours(request, resource, release),
        "activity": _told(activity_of(release)),
        "overdue": bool(
            release.target_at and release.is_open and not release.released_at and release.target_at < now()
        ),
    }


def _further_neighbours(request: Any, resource: Resource, release: Release) -> list[neighbours.Panel]:
    """What the release is connected with, beyond what the cockpit shows anyway."""
    found = neighbours.of(request.actor, resource, release)
    return [panel for panel in found if panel.resource is None or panel.resource.plural not in _SHOWN]


def _by_weight(release: Release, verbs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The step that leads on comes first and is the page's main act; changes of content and dangerous acts follow."""

    def leads_on(verb: dict[str, Any]) -> bool:
        step = RELEASE_STATES.transition(verb["action"].verb, release.state)
        return bool(step and step.target) and not verb["action"].danger

    ordered = sorted(verbs, key=_weight(leads_on))
    for verb in ordered:
        verb["css"] = (
            "danger" if verb["action"].danger else "primary" if verb is ordered[0] and leads_on(verb) else ""
        )
    return ordered


def _weight(leads_on: Any) -> Any:
    """What leads on, then what changes the release itself, then what is only said about it."""
    return lambda v: (
        not v["decision"].allowed,
        not leads_on(v),
        v["action"].danger,
        v["action"].machine is None,
    )


def _worth_a_button(verb: dict[str, Any]) -> bool:
    """What the state makes possible; other steps of the machine would only be a row of locks."""
    codes = {r.code for r in verb["decision"].refusals}
    return "state.illegal" not in codes


def _address(item: ScopeItem) -> str:
    """The page of what the item was in planning or problem management."""
    if not item.source_id:
        return ""
    return links.url_of_ref(Ref(item.source_kind, str(item.source_id), item.source_key))


def _told(entries: list[LedgerEntry]) -> list[dict[str, Any]]:
    """Ledger entries as sentences: who, what, why."""
    people = {u.pk: str(u) for u in User.objects.filter(pk__in={e.actor_id for e in entries if e.actor_id})}
    told = []
    for entry in entries:
        noun = entry.verb.partition(".")[0]
        act = actions().get(entry.verb)
        body = json.loads(entry.body)
        params = body.get("payload", {}).get("params", {})
        what = params.get("title") or _label(params.get("item")) or _label(params.get("artifact"))
        if noun == "deployment":
            what = f"{entry.subject_label}, {params.get('status') or act.title.lower() if act else ''}".strip(
                ", "
            )
        told.append(
            {
                "at": entry.at,
                "who": people.get(entry.actor_id) or entry.actor_name or "system",
                "verb": "Deployment" if noun == "deployment" else act.title if act else entry.verb,
                "what": what or "",
                "why": body.get("reason") or params.get("cause") or "",
            }
        )
    return told


def _label(value: Any) -> str:
    return str(value.get("label", "")) if isinstance(value, dict) else ""
