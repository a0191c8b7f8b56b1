"""Versions of services by environment, what goes together, and whether a version can go somewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from trains.actions.compatibility import create_compatibility_rule, create_skew_limit
from trains.actions.contracts import create_contract
from trains.models import Environment, Release, Service
from trains.queries.compatibility import (
    limits_in_force,
    requirements_in,
    requirements_of,
    running_versions,
    skews_of,
)
from trains.queries.contracts import Answer, can_deploy
from trains.rules.compatibility import skew

TABS = (
    ("Versions", "compatibility/"),
    ("Can I deploy?", "can-i-deploy/"),
    ("Requirements", "compatibility-rules/"),
    ("Skew limits", "skew-limits/"),
    ("Contracts", "contracts/"),
)
TONES = {"ok": "ok", "violated": "bad", "broken": "bad", "unknown": "warn", "idle": "idle"}
WORDS = {
    "ok": "Holds",
    "violated": "Violated",
    "broken": "Broken",
    "unknown": "Not known",
    "idle": "Does not apply",
}


def _frame(here: str, title: str) -> dict[str, Any]:
    root = links.page_root()
    return {
        "title": title,
        "section": "compatibility",
        "crumbs": [("Versions", f"{root}compatibility/" if here != "compatibility/" else ""), (title, "")],
        "tabs": [{"label": label, "url": root + path, "current": path == here} for label, path in TABS],
        "root": root,
    }


@require_safe
def matrix(request: Any) -> HttpResponse:
    """Which version of each service runs where, and which declared ranges hold."""
    environments = list(Environment.objects.select_related("train"))
    services = {s.pk: s for s in Service.objects.select_related("train")}
    running = running_versions()
    last = environments[-1] if environments else None
    rows = []
    for service in services.values():
        versions = [running.get(e.pk, {}).get(service.pk, "") for e in environments]
        if any(versions):
            reference = running.get(last.pk, {}).get(service.pk, "") if last else ""
            rows.append((service, [(v, _apart(v, reference)) for v in versions]))
    requirements, skews = requirements_of(), skews_of(limits_in_force(), services, running)
    standing = [
        (row, [_cell(s) for s in _by_environment(row, environments, running)]) for row in requirements
    ]
    context = {
        **_frame("compatibility/", "Versions and compatibility"),
        "environments": environments,
        "reference": last,
        "rows": rows,
        "requirements": standing,
        "skews": [_line(s) for s in skews if s.judgement.blocks],
        "kept": sum(1 for s in skews if not s.judgement.blocks),
        "violated": sum(1 for _, cells in standing for c in cells if c and c["verdict"] == "violated"),
        "new_requirement": (
            create_compatibility_rule.decide(request.actor),
            links.verb_url(create_compatibility_rule),
        ),
        "new_limit": (create_skew_limit.decide(request.actor), links.verb_url(create_skew_limit)),
    }
    return page(request, "trains/compatibility.html", context)


def _apart(version: str, reference: str) -> str:
    if not version or not reference or version == reference:
        return ""
    found = skew(version, reference)
    return str(found) if found and found.part else ""


def _by_environment(row: Any, environments: list[Environment], running: Any) -> list[Any]:
    return [next(iter(requirements_in(e, [row], running.get(e.pk, {}))), None) for e in environments]


def _cell(standing: Any) -> dict[str, str] | None:
    if standing is None:
        return None
    return _line(standing)


def _line(standing: Any) -> dict[str, Any]:
    return {
        "rule": standing.rule,
        "verdict": standing.verdict,
        "tone": TONES[standing.verdict],
        "word": WORDS[standing.verdict],
        "sentence": standing.sentence,
        "remedy": standing.remedy,
    }


@require_safe
def can_i_deploy(request: Any) -> HttpResponse:
    """The form and its answer: a version of a service, or everything a release carries, into an environment."""
    asked = {
        n: request.GET.get(n, "")[:120].strip() for n in ("service", "version", "release", "environment")
    }
    answer, problem = _answered(asked)
    context = {
        **_frame("can-i-deploy/", "Can I deploy?"),
        "asked": asked,
        "services": list(Service.objects.order_by("name")),
        "environments": list(Environment.objects.order_by("rank", "name")),
        "releases": list(
            Release.objects.filter(artifacts__isnull=False)
            .exclude(state__in=["closed", "cancelled", "rolled_back"])
            .distinct()
            .order_by("-created_at")[:50]
        ),
        "answer": answer,
        "problem": problem,
        "contracts": [
            {
                "contract": c.contract,
                "verification": c.verification,
                "tone": TONES[c.reason.verdict],
                "word": WORDS[c.reason.verdict],
                "sentence": c.reason.sentence,
                "remedy": c.reason.remedy,
            }
            for c in (answer.contracts if answer else ())
        ],
        "ranges": [_line(s) for s in (answer.ranges if answer else ())],
        "new_contract": (create_contract.decide(request.actor), links.verb_url(create_contract)),
    }
    return page(request, "trains/can_i_deploy.html", context)


def _answered(asked: dict[str, str]) -> tuple[Answer | None, str]:
    """The answer, or what is missing in the question."""
    if not asked["environment"]:
        return None, ""
    environment = Environment.objects.filter(name=asked["environment"]).first()
    if environment is None:
        return None, f"There is no environment {asked['environment']}."
    if asked["release"]:
        release = Release.objects.filter(key=asked["release"]).first()
        if release is None:
            return None, f"There is no release {asked['release']}."
        planned = planned_of(release)
        return (can_deploy(environment, planned), "") if planned else (None, f"{release} carries no builds.")
    service = Service.objects.filter(name=asked["service"]).first()
    if service is None or not asked["version"]:
        return None, "Name a service and its version, or a release."
    return can_deploy(environment, {service: asked["version"]}), ""


def planned_of(release: Release) -> dict[Service, str]:
    """What the release brings: service → version."""
    rows = release.artifacts.select_related("service", "artifact")
    return {row.service: row.artifact.version for row in rows}
