"""Pages of attachments: what one is attached to, and its bytes as an attachment that no browser opens."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from governance import files
from governance.models import Attachment
from releasetrain.interface.resources import by_kind, resource_of
from releasetrain.kernel.refusals import refuse


def attachment_page(request: Any, attachment: Attachment) -> dict[str, Any]:
    """The object, for those who may see it."""
    resource = by_kind(attachment.object_kind)
    return {"about": resource.find(request.actor, str(attachment.object_id)) if resource else None}


@require_safe
def attachment_file(request: HttpRequest, ref: str) -> HttpResponse:
    """The document's bytes."""
    resource = resource_of(Attachment)
    found = resource.find(request.actor, ref) if resource else None  # type: ignore[attr-defined]
    if found is None:
        raise Http404
    return as_download(found)


def as_download(attachment: Attachment) -> HttpResponse:
    """An attachment that is saved and never shown: neither sniffed, nor framed, nor run."""
    try:
        content = files.read(attachment.file)
    except files.Disposed as disposed:
        refuse("file.disposed", str(disposed), remedy="Its digest and its record stay.", status=410)
    except files.Damaged as damage:
        raise Http404(str(damage)) from damage
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", attachment.name).strip("._") or "document"
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name[-120:]}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
            "Digest": f"sha-256={attachment.file.digest.removeprefix('sha256:')}",
        },
    )
