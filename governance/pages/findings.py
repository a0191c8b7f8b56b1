"""The findings report of a release or service, the panel of it on the cockpit, and where a library is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from governance.models import Finding
from governance.queries.components import where_is
from governance.queries.findings_report import LIVING, SEVERITIES, STATES, Report, report_of, rows_of
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.refusals import Refused
from trains.models import Environment, Release, Service
from trains.ports import ASIDE, Panel

TONES = {"critical": "bad", "high": "bad", "medium": "warn", "low": "info", "info": "idle", "unknown": "warn"}
_SHOWN = 100


def found_subject(request: Any, model: type[Release] | type[Service], ref: str) -> Any:
    resource = resource_of(model)
    assert resource is not None
    found = resource.find(request.actor, ref)
    if found is None:
        raise Http404
    return found


@require_safe
def release_findings(request: Any, ref: str) -> HttpResponse:
    """The report of a release, before it is approved."""
    return _page(request, found_subject(request, Release, ref))


@require_safe
def service_findings(request: Any, ref: str) -> HttpResponse:
    """The report of a service."""
    return _page(request, found_subject(request, Service, ref))


def _page(request: Any, subject: Release | Service) -> HttpResponse:
    context = {
        "title": f"Findings of {subject}",
        "section": "releases" if isinstance(subject, Release) else "trains",
        "crumbs": [(str(subject), links.url_for(subject)), ("Findings", "")],
        "subject": subject,
        **shown(report_of(subject)),
    }
    return page(request, "governance/findings_report.html", context)


def shown(report: Report) -> dict[str, Any]:
    """The report with the address of the rows behind each number."""
    root = links.page_root()
    ref = _ref(report.subject)
    base = f"{root}findings/?in_builds_of={ref}"
    rows = [
        {
            "severity": severity,
            "label": Finding(severity=severity).get_severity_display(),
            "tone": TONES[severity],
            "living": report.living[severity],
            "url": f"{base}&severity={severity}",
            "cells": [
                (state, report.counts[severity][state], f"{base}&severity={severity}&state={state}")
                for state in STATES
            ],
        }
        for severity in SEVERITIES
    ]
    return {
        "report": report,
        "rows": rows,
        "states": [(state, Finding(state=state).get_state_display()) for state in STATES],
        "living": sum(report.living.values()),
        "living_url": f"{base}&state={','.join(LIVING)}",
        "overdue_url": f"{base}&due=late",
        "accepted_url": f"{base}&state=accepted",
        "new_url": f"{root}findings/?new_in={ref}&state={','.join(LIVING)}",
        "all_url": base,
        "is_release": isinstance(report.subject, Release),
    }


def _ref(subject: Release | Service) -> str:
    return subject.key if isinstance(subject, Release) else str(subject.pk)


COLUMNS = (
    *("severity", "state", "service", "title", "rule", "package", "location", "score", "fixed_in"),
    *("first_seen_at", "due_at", "accepted_until", "tool", "id"),
)


class _Echo:
    def write(self, value: str) -> str:
        return value


def as_csv(subject: Release | Service) -> StreamingHttpResponse:
    """All rows of the report; cells that a spreadsheet would take for a formula are made texts."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(COLUMNS)
        for finding in rows:
            yield writer.writerow([_cell(getattr(finding, name)) for name in COLUMNS])

    # Read here: the answer is sent after the scope has ended.
    rows = list(rows_of(subject)[:100_000])
    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="findings-{_ref(subject)}.csv"'
    return answer


def _cell(value: Any) -> str:
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@require_safe
def release_csv(request: Any, ref: str) -> StreamingHttpResponse:
    """The rows of a release's report as CSV."""
    return as_csv(found_subject(request, Release, ref))


@require_safe
def service_csv(request: Any, ref: str) -> StreamingHttpResponse:
    """The rows of a service's report as CSV."""
    return as_csv(found_subject(request, Service, ref))


def findings_panel(request: HttpRequest, release: Release) -> Panel | None:
    """The panel of the release cockpit: what is open in its builds, with the way to each number's rows."""
    if not release.artifacts.exists():
        return None
    context = shown(report_of(release))
    context["report_url"] = f"{links.page_root()}releases/{release.key}/findings/"
    context["right"] = f"{context['living']} open" if context["living"] else "none open"
    return "Findings", "governance/_findings_panel.html", context, ASIDE + 5


@require_safe
def components(request: Any) -> HttpResponse:
    """Where is this library? By package URL or name, by version or range, and where it runs now."""
    asked = request.GET.get("q", "")[:500].replace("\0", "").strip()
    versions = request.GET.get("versions", "")[:200].replace("\0", "").strip()
    named = request.GET.get("environment", "")[:120].replace("\0", "").strip()
    environment = Environment.objects.filter(name=named).first() if named else None
    places, refusal, status = [], "", 200
    try:
        places = where_is(
            asked, versions, deployed=request.GET.get("deployed") == "yes", environment=environment
        )
    except Refused as refused:
        refusal, status = f"{refused.refusals[0].sentence} {refused.refusals[0].remedy}".strip(), 422
    context = {
        "title": "Where is this library?",
        "section": "components",
        "crumbs": [("Components", f"{links.page_root()}components/"), ("Where is it?", "")],
        "asked": asked,
        "versions": versions,
        "environment": environment,
        "deployed": request.GET.get("deployed") == "yes",
        "environments": list(Environment.objects.order_by("-rank", "name")),
        "places": places[:_SHOWN],
        "more": max(0, len(places) - _SHOWN),
        "running": sum(1 for place in places if place.environments),
        "refusal": refusal,
    }
    return page(request, "governance/where_is.html", context, status=status)
