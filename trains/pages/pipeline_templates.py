"""Pages of templates: a template with its files, and how the pipelines of services drift from theirs."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views.objects import find
from trains.actions.pipeline_templates import apply_template
from trains.models import Pipeline, PipelineTemplate, Service
from trains.queries.pipeline_templates import Line, file_of, lines_of
from trains.rules.pipeline_files import CHANGED, FORGES, MISSING, OUTDATED, SAME, UNREPORTED

TONES = {SAME: "ok", CHANGED: "info", OUTDATED: "warn", MISSING: "bad", UNREPORTED: "idle"}
WORDS = {
    SAME: "As the template",
    CHANGED: "Changed",
    OUTDATED: "Earlier version",
    MISSING: "Stages missing",
    UNREPORTED: "Never reported",
}
ORDER = (MISSING, OUTDATED, CHANGED, UNREPORTED, SAME)


def template_page(request: Any, template: PipelineTemplate) -> dict[str, Any]:
    """The stages of a version, its file for a service, and who follows it."""
    services = list(Service.objects.order_by("name")[:500])
    named = request.GET.get("service", "")[:120]
    service = next((s for s in services if s.name == named), services[0] if services else None)
    forge = request.GET.get("forge", "")
    forge = forge if forge in FORGES else FORGES[0]
    asked = urlencode({"service": service.name, "forge": forge}) if service else ""
    return {
        "services": services,
        "service": service,
        "forges": PipelineTemplate.Forge.choices,
        "forge": forge,
        "file": file_of(template, service, forge) if service else None,
        "file_url": f"{links.url_for(template)}file?{asked}",
        "versions": list(PipelineTemplate.objects.filter(name=template.name).order_by("-number")[:20]),
        "lines": [_row(line) for line in lines_of(Pipeline.objects.filter(template=template))],
        "apply": (
            apply_template.decide(request.actor, template),
            f"{links.verb_url(apply_template, template)}?{urlencode({'service': service.pk, 'forge': forge})}"
            if service
            else "",
        ),
        "root": links.page_root(),
    }


def _row(line: Line) -> dict[str, Any]:
    return {
        "line": line,
        "tone": TONES[line.drift.kind],
        "word": WORDS[line.drift.kind],
        "said": said_of(line),
    }


def said_of(line: Line) -> str:
    """The drift in a sentence."""
    drift = line.drift
    if drift.kind == MISSING:
        lacks = f"It lacks {', '.join(drift.missing)}." if drift.missing else ""
        return f"{lacks} {'The required stages are out of order.' if drift.out_of_order else ''}".strip()
    if drift.kind == SAME:
        newer = f" Version {line.newest} is out." if line.behind else ""
        return f"The file ran as the template gives it.{newer}"
    return {
        CHANGED: "The file differs from the template; all required stages are there.",
        OUTDATED: "The file is that of an earlier version.",
        UNREPORTED: "No run has said which definition it had.",
    }[drift.kind]


@require_safe
def drift(request: Any) -> HttpResponse:
    """Every pipeline that follows a template, those that drift first; and services that follow none."""
    rows = [_row(line) for line in lines_of()]
    picked = request.GET.get("show", "")
    picked = picked if picked in ORDER else ""
    counts = {kind: sum(1 for row in rows if row["line"].drift.kind == kind) for kind in ORDER}
    rows.sort(key=lambda row: (ORDER.index(row["line"].drift.kind), row["line"].pipeline.service.name))
    following = {row["line"].pipeline.service_id for row in rows}
    root = links.page_root()
    context = {
        "title": "Drift of pipelines",
        "section": "pipeline-templates",
        "crumbs": [("Pipeline templates", f"{root}pipeline-templates/"), ("Drift", "")],
        "rows": [row for row in rows if not picked or row["line"].drift.kind == picked],
        "counts": [(kind, WORDS[kind], counts[kind]) for kind in ORDER],
        "total": len(rows),
        "wrong": counts[MISSING],
        "picked": picked,
        "free": list(Service.objects.exclude(pk__in=following).order_by("name")[:100]),
        "root": root,
    }
    return page(request, "trains/pipeline_drift.html", context)


@require_safe
def file(request: Any, ref: str) -> HttpResponse:
    """The file of a service, to be committed as it is."""
    resource = resource_of(PipelineTemplate)
    assert resource is not None
    template: PipelineTemplate = find(request, resource, str(ref))
    service = Service.objects.filter(name=request.GET.get("service", "")[:120]).first()
    forge = request.GET.get("forge", "")
    if service is None or forge not in FORGES:
        raise Http404("There is no such file.")
    found = file_of(template, service, forge)
    answer = HttpResponse(found.text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.path.rpartition("/")[2]}"'
    return answer


def pipeline_of_service(request: HttpRequest, service: Service) -> tuple[str, dict[str, Any], int] | None:
    """The section of a service's page: how its pipeline stands to its template."""
    rows = [_row(line) for line in lines_of(Pipeline.objects.filter(service=service))]
    return ("trains/_pipeline_drift.html", {"rows": rows}, 60) if rows else None
