"""Readiness and risk: the overview by service, the pages of reviews, requirements, threat models and audits, the release's panel."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from governance.actions.compliance import (
    REQUIRED_METHODS,
    raise_flag,
    sign_checkpoint,
)
from governance.actions.configuration_audits import open_audit
from governance.actions.readiness import answer_review, create_checklist, create_requirement, open_review
from governance.actions.threats import add_threat, create_threat_model
from governance.models import (
    ConfigurationAudit,
    ReadinessReview,
    ServiceRequirement,
    ThreatModel,
)
from governance.models.compliance import SECURITY, SecurityMethod, Stride
from governance.queries.compliance import security_of, stops_of, threats_of, touched_by
from governance.queries.configuration_audits import is_regulated
from governance.queries.readiness import due_for, is_stale, requirements_of
from governance.rules.readiness_review import ANSWERS, AREAS, standing
from governance.rules.threats import CONTROL_STATES, open_reason
from releasetrain.interface import formats, links
from releasetrain.interface.charts import line_chart
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from trains.models import Release, Service
from trains.ports import Panel
from trains.queries.deployments import production_environments

_SERVICES, _POINTS = 200, 60
TABS = (
    ("Services", "readiness/"),
    ("Reviews", "readiness-reviews/"),
    ("Requirements", "service-requirements/"),
    ("Flags", "scope-flags/"),
    ("Checkpoints", "compliance-checkpoints/"),
    ("Security tests", "security-tests/"),
    ("Threat models", "threat-models/"),
    ("Checklists", "readiness-checklists/"),
)


@require_safe
def overview(request: Any) -> HttpResponse:
    """Every service with its review and its requirements: what stands, what is missing, what is stale."""
    moment, root = now(), links.page_root()
    services = list(Service.objects.select_related("team", "train").order_by("tier", "name")[:_SERVICES])
    due = {row.service.pk: row for row in due_for(services)}
    requirements: dict[Any, list[ServiceRequirement]] = {}
    for row in requirements_of(services):
        requirements.setdefault(row.service_id, []).append(row)
    rows = [_service_row(s, due[s.pk], requirements.get(s.pk, []), moment) for s in services]
    context = {
        "title": "Readiness",
        "section": "readiness",
        "crumbs": [("Readiness", "")],
        "tabs": [
            {"label": label, "url": root + path, "current": path == "readiness/"} for label, path in TABS
        ],
        "root": root,
        "rows": rows,
        "missing": sum(1 for row in rows if row["review_tone"] in ("warn", "bad")),
        "unmet": sum(row["broken"] for row in rows),
        "stale": sum(row["stale"] for row in rows),
        "new_review": (open_review.decide(request.actor), links.verb_url(open_review)),
        "new_requirement": (create_requirement.decide(request.actor), links.verb_url(create_requirement)),
        "new_checklist": (create_checklist.decide(request.actor), links.verb_url(create_checklist)),
    }
    return page(request, "governance/readiness.html", context)


def _service_row(
    service: Service, due: Any, requirements: list[ServiceRequirement], at: Any
) -> dict[str, Any]:
    reason = due.reason(at)
    review = due.review
    if not due.required:
        tone, word = ("idle", "Not due" if due.checklist else "No checklist")
    elif reason:
        tone, word = ("bad" if review and review.state == review.State.REJECTED else "warn", "Missing")
    else:
        tone, word = "ok", "Stands"
    stale = [r for r in requirements if is_stale(r, at)]
    broken = [r for r in requirements if r.met is False and r not in stale]
    return {
        "service": service,
        "review": review,
        "review_tone": tone,
        "review_word": word,
        "reason": reason,
        "requirements": len(requirements),
        "met": sum(1 for r in requirements if r.met and r not in stale),
        "stale": len(stale),
        "broken": len(broken),
    }


def review_page(request: Any, review: ReadinessReview) -> dict[str, Any]:
    """The questions by area with answers and evidence, the score, and who may sign."""
    score, unanswered, short = standing(review.answers)
    decision = answer_review.decide(request.actor, review)
    url = links.verb_url(answer_review, review)
    areas: dict[str, list[dict[str, Any]]] = {}
    for row in review.answers:
        shown = {
            **row,
            "word": ANSWERS[row["answer"]],
            "icon": {"yes": "ok", "no": "bad", "partial": "warn"}.get(row["answer"], "idle"),
            "url": f"{url}?" + urlencode({"question": row["key"], "answer": "yes"}),
        }
        areas.setdefault(AREAS.get(row["area"], row["area"]), []).append(shown)
    return {
        "review": review,
        "areas": list(areas.items()),
        "score": score,
        "unanswered": unanswered,
        "short": short,
        "minimum": review.checklist.minimum,
        "answer": decision,
        "standing": review.stands(now()),
    }


def requirement_page(request: Any, requirement: ServiceRequirement) -> dict[str, Any]:
    """The trend of a requirement against its target, and the latest measurements."""
    rows = list(requirement.measurements.select_related("artifact__service").order_by("-at", "-id")[:_POINTS])
    chart = None
    if len(rows) > 1:
        ordered = rows[::-1]
        chart = line_chart(
            requirement.indicator[:60],
            [f"{formats.short_day(row.at)} {formats.clock(row.at)}" for row in ordered],
            {"measured": [float(row.value) for row in ordered]},
            unit=requirement.unit,
            target=(requirement.promise, float(requirement.target)),
        )
    return {
        "requirement": requirement,
        "measurements": rows[:15],
        "chart": chart,
        "stale": is_stale(requirement, now()),
    }


def threat_model_page(request: Any, model: ThreatModel) -> dict[str, Any]:
    """The elements with their threats, each threat's controls, and what of it blocks."""
    moment = now()
    threats = list(model.threats.select_related("decided_by").order_by("severity", "created_at", "id"))
    rows = [
        {
            "threat": threat,
            "why": open_reason(threat.state, threat.controls, threat.accepted_until, moment),
            "controls": [{**c, "word": CONTROL_STATES.get(c["state"], c["state"])} for c in threat.controls],
        }
        for threat in threats
    ]
    named = {(t.element, t.category) for t in threats}
    return {
        "model": model,
        "rows": rows,
        "open": sum(1 for row in rows if row["why"]),
        "categories": Stride.choices,
        "grid": [
            (element, [(element["name"], value) in named for value, _ in Stride.choices])
            for element in model.elements
        ],
        "add": (add_threat.decide(request.actor, model), links.verb_url(add_threat, model)),
    }


def audit_page(request: Any, audit: ConfigurationAudit) -> dict[str, Any]:
    """The report as it was drawn up: what is, what should be, and who accepted the rest."""
    report = audit.report
    return {
        "audit": audit,
        "items": report.get("items", []),
        "discrepancies": report.get("discrepancies", []),
        "unseen": set(report.get("unseen", [])),
        "open": report.get("open", 0),
        "accepted": report.get("accepted", 0),
        "baseline": report.get("baseline"),
        "api_url": links.api_url_for(audit),
        "standing": audit.stands(now()),
    }


def release_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The panel of a release: what it touches, who signs for it, which tests, threat models and audits that asks for."""
    if not release.is_open:
        return None
    actor = request.actor  # type: ignore[attr-defined]
    touched = touched_by(release)
    raised = raise_flag.decide(actor, None, {"release": release})
    root = links.verb_url
    lines: list[dict[str, Any]] = []
    for stop in stops_of(release, touched=touched):
        lines.append(
            {
                "tone": "ok" if not stop.reason else "idle" if stop.sign_off is None else "bad",
                "object": stop.sign_off or stop.checkpoint,
                "text": str(stop.checkpoint),
                "why": stop.reason or f"Signed by {stop.sign_off.signed_by}."
                if stop.sign_off
                else stop.reason,
                "url": f"{root(sign_checkpoint)}?"
                + urlencode({"release": str(release.pk), "checkpoint": str(stop.checkpoint.pk)})
                if stop.reason
                else "",
                "label": "Sign",
            }
        )
    if touched.of(SECURITY):
        builds = [row.artifact for row in release.artifacts.select_related("artifact__service")]
        for each in security_of(builds, REQUIRED_METHODS):
            lines.append(
                {
                    "tone": {"pass": "ok", "fail": "bad"}.get(each.verdict, "idle"),
                    "object": each.test or each.artifact,
                    "text": f"{dict(SecurityMethod.choices)[each.method]} of {each.artifact}",
                    "why": each.reason,
                    "url": "",
                }
            )
    for row in threats_of(release, now(), touched=touched):
        lines.append(
            {
                "tone": "bad" if row.blocking else "idle" if row.reasons else "ok",
                "object": row.model or row.flag,
                "text": str(row.model or row.flag),
                "why": " ".join(row.reasons),
                "url": "" if row.model else root(create_threat_model),
                "label": "Begin a threat model",
            }
        )
    audit = _audit_line(actor, release)
    if audit:
        lines.append(audit)
    left = sum(1 for line in lines if line["tone"] != "ok")
    context = {
        "flags": touched.flags,
        "assessed": touched.assessed,
        "lines": lines,
        "raised": raised,
        "raise_url": f"{root(raise_flag)}?release={release.pk}",
        "right": "not assessed" if not touched.assessed else f"{left} to settle" if left else "settled",
    }
    return "What it touches", "governance/_touches.html", context, 56


def _audit_line(actor: Any, release: Release) -> dict[str, Any] | None:
    """The configuration audit of a regulated release, for the last environment on its way."""
    if not is_regulated(release):
        return None
    audit = (
        ConfigurationAudit.objects.filter(release=release)
        .select_related("concluded_by", "environment")
        .order_by("-created_at")
        .first()
    )
    if audit is not None:
        stands = audit.stands(now())
        failed = audit.conclusion == ConfigurationAudit.Conclusion.FAILS
        return {
            "tone": "ok" if stands else "bad" if failed else "idle",
            "object": audit,
            "text": f"Configuration audit for {audit.environment}",
            "why": f"{audit.standing}{f', by {audit.concluded_by}' if audit.concluded_by else ''}.",
            "url": "",
        }
    asked = {"release": str(release.pk)}
    environment = next(iter(production_environments(release.train)), None)
    if environment is not None:
        asked["environment"] = str(environment.pk)
    return {
        "tone": "idle",
        "object": release,
        "text": "Configuration audit",
        "why": "It carries something regulated, and its configuration was not audited.",
        "url": f"{links.verb_url(open_audit)}?{urlencode(asked)}",
        "label": "Open an audit",
    }
