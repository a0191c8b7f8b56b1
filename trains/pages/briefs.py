"""Briefs and notes of a release as pages, as a document to send, and as PDF."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from releasetrain.interface import links
from releasetrain.interface.resources import resource_of
from releasetrain.interface.typesetting import NotSet, typeset
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope
from trains.models import ContentBrief, ReleaseNote
from trains.queries.releases import release_content
from trains.rules.briefs import chapters, lines_of

TEMPLATE = Path(__file__).parent / "brief.typ"
SECONDS = 20


def document_of(brief: ContentBrief, organization: str) -> dict[str, Any]:
    """The brief as plain words, times in the reader's zone (the active one)."""
    release = brief.release
    sections = [{"title": "What it brings", "parts": _parts(brief.functionality)}]
    if brief.impact.strip():
        sections.append({"title": "What it means for you", "parts": _parts(brief.impact)})
    downtime = _parts(brief.downtime) if brief.downtime.strip() else []
    if brief.downtime_starts and brief.downtime_ends:
        downtime.insert(0, {"heading": "", "points": [window_words(brief)]})
    if downtime:
        sections.append({"title": "Downtime", "parts": downtime})
    planned = (
        f"planned for {_local(release.target_at, '%A, %d %B %Y, %H:%M')}"
        if release.target_at
        else "no date yet"
    )
    return {
        "organization": organization,
        "title": brief.title,
        "meta": f"Version {release.version} · {planned}{f' {_zone()}' if release.target_at else ''}",
        "sections": sections,
        "foot": f"Brief version {brief.number}, {brief.author}, {_local(brief.written_at, '%d %b %Y %H:%M')} {_zone()}",
    }


def _parts(text: str) -> list[dict[str, Any]]:
    return [{"heading": heading, "points": points} for heading, points in chapters(text)]


def _local(moment: Any, form: str) -> str:
    return str(timezone.localtime(moment).strftime(form))


def _zone() -> str:
    return timezone.get_current_timezone_name()


def window_words(brief: ContentBrief) -> str:
    """When something is not available, in the reader's zone."""
    if not (brief.downtime_starts and brief.downtime_ends):
        return ""
    starts, ends = timezone.localtime(brief.downtime_starts), timezone.localtime(brief.downtime_ends)
    minutes = int((brief.downtime_ends - brief.downtime_starts).total_seconds() // 60)
    until = f"{ends:%H:%M}" if starts.date() == ends.date() else f"{ends:%d %B %Y, %H:%M}"
    length = f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours".replace(".0 ", " ")
    return f"Not available on {starts:%A, %d %B %Y} from {starts:%H:%M} to {until} {_zone()} ({length})."


def pdf_of(brief: ContentBrief, organization: str) -> bytes:
    """The brief as PDF."""
    with tempfile.TemporaryDirectory(prefix="brief-") as folder:
        try:
            data = document_of(brief, organization)
            moment = int(brief.written_at.timestamp())
            target = Path(folder) / "brief.pdf"
            return typeset(Path(folder) / "pdf", TEMPLATE, data, target, moment, SECONDS).read_bytes()
        except NotSet as error:
            refuse("brief.not_set", str(error)[:300], remedy="Try again later.", status=503)
    raise AssertionError("unreachable")


def html_of(brief: ContentBrief, organization: str) -> str:
    """The brief as a document of its own, to send or to file."""
    return render_to_string("trains/brief_document.html", {"document": document_of(brief, organization)})


def answer(brief: ContentBrief, form: str) -> HttpResponse:
    """The brief in one of its forms."""
    name = slugify(f"{brief.release.train.key} {brief.release.version} brief {brief.number}")
    organization = Organization.objects.get(pk=require_scope().organization_id).name
    if form == "pdf":
        return HttpResponse(
            pdf_of(brief, organization),
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{name}.pdf"'},
        )
    return HttpResponse(html_of(brief, organization))


def found_brief(actor: Any, ref: str) -> ContentBrief:
    resource = resource_of(ContentBrief)
    brief = resource.find(actor, ref) if resource else None
    if brief is None:
        raise Http404("There is no such brief.")
    return brief  # type: ignore[no-any-return]


def zone_named(name: str) -> ZoneInfo:
    """The zone that a reader asks for."""
    if name not in available_timezones():
        refuse(
            "zone.unknown", f"There is no time zone {name[:60]}.", remedy="E.g. Europe/London.", field="zone"
        )
    return ZoneInfo(name)


@require_safe
def document(request: Any, ref: str, form: str) -> HttpResponse:
    """The brief as PDF or HTML, times in the reader's zone."""
    return answer(found_brief(request.actor, ref), form)


def brief_page(request: Any, brief: ContentBrief) -> dict[str, Any]:
    """The page of one version of a brief, with the others beside it."""
    versions = list(brief.release.briefs.order_by("-number"))
    return {
        "document": document_of(brief, request.organization.name),
        "versions": versions,
        "latest": versions[0],
        "before": next((v for v in versions if v.number == brief.number - 1), None),
        "stale": brief.content_digest != digest(release_content(brief.release)),
        "window": window_words(brief),
        "title": brief.title,
        "root": links.page_root(),
    }


def notes_page(request: Any, note: ReleaseNote) -> dict[str, Any]:
    """The notes as readers see them."""
    return {
        "title": f"Notes of {note.release.version}",
        "resolved": lines_of(note.resolved),
        "affected": lines_of(note.affected),
        "public_resolved": lines_of(note.public_resolved),
        "limitations": lines_of(note.limitations),
    }
