"""The minutes of a meeting: as a page, to print, and as PDF."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from governance.models import Meeting
from governance.queries.boardroom import minutes_of
from releasetrain.audit.doorway import allowed_verbs
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.interface.resources import resource_of
from releasetrain.interface.typesetting import NotSet, typeset
from releasetrain.kernel.refusals import refuse
from trains.pages.briefs import TEMPLATE

SECONDS = 20


def _meeting(actor: Any, ref: str) -> Meeting:
    resource = resource_of(Meeting)
    found = resource.find(actor, str(ref)) if resource else None
    if found is None:
        raise Http404("No such meeting.")
    return found  # type: ignore[no-any-return]


def text_of(meeting: Meeting) -> str:
    """What was agreed on as minutes; before the end of the meeting, what they would say now."""
    return meeting.minutes or minutes_of(meeting)


@require_safe
def minutes(request: Any, ref: str) -> HttpResponse:
    """The minutes as a page, with the action items beside them."""
    meeting = _meeting(request.actor, ref)
    verbs = allowed_verbs(request.actor, meeting)
    context = {
        "section": "changes",
        "title": f"Minutes of {meeting}",
        "crumbs": [
            ("CAB", f"{links.page_root()}cab/"),
            (str(meeting), links.url_for(meeting)),
            ("Minutes", ""),
        ],
        "meeting": meeting,
        "lines": text_of(meeting).splitlines(),
        "actions": list(meeting.actions.select_related("owner", "change")),
        "verbs": [
            (verbs[f"meeting.{tail}"], f"{links.url_for(meeting)}do/{tail}", label)
            for tail, label in (("edit_minutes", "Correct the minutes"), ("add_action", "Add action item"))
        ],
        "pdf_url": f"{links.page_root()}cab/minutes/{meeting.pk}.pdf",
        "versions": meeting.history.exclude(minutes="").values("minutes").distinct().count(),
        "history_url": f"{links.url_for(meeting)}history",
    }
    return page(request, "governance/minutes.html", context)


@require_safe
def minutes_pdf(request: Any, ref: str) -> HttpResponse:
    """The minutes as PDF, to file or to send."""
    meeting = _meeting(request.actor, ref)
    head, _, rest = text_of(meeting).partition("\n")
    data = {
        "organization": request.organization.name,
        "title": f"Minutes: {meeting.board}",
        "meta": head,
        "sections": [{"title": "Minutes", "parts": [{"heading": "", "points": _points(rest)}]}],
        "foot": f"{meeting.board}, {timezone.localtime(meeting.starts_at):%d %b %Y %H:%M}",
    }
    moment = int((meeting.closed_at or meeting.starts_at).timestamp())
    with tempfile.TemporaryDirectory(prefix="minutes-") as folder:
        try:
            content = typeset(
                Path(folder) / "pdf", TEMPLATE, data, Path(folder) / "minutes.pdf", moment, SECONDS
            ).read_bytes()
        except NotSet as error:
            refuse("minutes.not_set", str(error)[:300], remedy="Try again later.", status=503)
    name = slugify(f"minutes {meeting.board} {meeting.starts_at:%Y-%m-%d}")
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"'},
    )


def _points(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()] or ["Nothing was minuted."]
