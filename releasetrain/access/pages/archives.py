"""The archive of an organization as a download, for page and REST alike."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from releasetrain.access import archiving
from releasetrain.access.actions.archives import hand_out
from releasetrain.access.models import OrganizationArchive
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import refuse


def archive_page(request: Any, archive: OrganizationArchive) -> dict[str, Any]:
    """What is in it, or how far it is."""
    tables = archive.manifest.get("tables", {})
    return {
        "under_way": archiving.progress(archive) if archive.state == archive.State.RUNNING else {},
        "parts": sorted(((name, t["rows"], t["bytes"]) for name, t in tables.items()), key=lambda t: -t[2])[
            :25
        ],
        "files": len(archive.manifest.get("files", {})),
    }


@require_GET
def download(request: Any, reference: str) -> HttpResponseBase:
    """The file, streamed."""
    return given(request.actor, reference)


def given(actor: Actor, reference: str) -> HttpResponseBase:
    archive = OrganizationArchive.objects.filter(key=reference).first()
    if archive is None or not actor.may("organization.manage"):
        raise Http404("No such archive.")
    file = archiving.opened(hand_out(actor, archive))
    if file is None:
        refuse(
            "archive.not_there", f"The file of {archive} is not there any more.", remedy="Ask for a new one."
        )
    response = FileResponse(file, as_attachment=True, filename=f"{archive.key}.zip")
    response["Content-Type"] = "application/zip"
    response["Digest"] = archive.digest
    response["Cache-Control"] = "no-store"
    return response
