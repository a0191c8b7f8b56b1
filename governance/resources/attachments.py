"""The faces of attachments, and their panel on the page of every object that has some."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from governance.actions.attachments import attach
from governance.models import Attachment
from governance.pages.attachments import attachment_page
from governance.queries.attachments import KINDS, attachments_of, readable_attachments
from releasetrain.interface import links, neighbours
from releasetrain.interface.resources import Related, Resource, register
from releasetrain.kernel.actor import Actor

register(
    Resource(
        Attachment,
        plural="attachments",
        section="evidence",
        icon="file",
        columns=(
            "name",
            "media_type",
            "object_kind",
            "object_label",
            "attached_by",
            "created_at",
            "withdrawn_at",
        ),
        filters=("object_kind",),
        search=("name", "note", "object_label"),
        order=("-created_at", "-id"),
        select=("file", "attached_by"),
        rows=readable_attachments,
        template="governance/attachment.html",
        context=attachment_page,
        description="Documents that were attached to objects as evidence.",
    )
)


def _of(actor: Actor, obj: Any) -> Any:
    return attachments_of(actor, obj) if _kind(obj) in KINDS else []


def _attach(actor: Actor, obj: Any) -> neighbours.Tool | None:
    kind = _kind(obj)
    if kind not in KINDS or not actor.may(KINDS[kind], obj):
        return None
    address = f"{links.verb_url(attach)}?{urlencode({'kind': kind, 'object': str(obj.pk)})}"
    return neighbours.Tool(f"Attach a document to {obj}", "file", address)


def _kind(obj: Any) -> str:
    return str(obj._meta.model_name)


neighbours.on_every_page(Related("Documents", _of), _attach)
