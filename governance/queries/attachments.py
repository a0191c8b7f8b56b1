"""Attachments that somebody may see: those of objects that they may see."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.models import Attachment
from releasetrain.interface.resources import by_kind, resource_of
from releasetrain.kernel.actor import Actor

# What may be attached to, and who may attach.
KINDS: dict[str, str] = {
    "release": "releases.manage",
    "changerequest": "changes.author",
    "rollbackplan": "releases.manage",
    "controlassessment": "controls.manage",
    "control": "controls.manage",
    "deviation": "changes.author",
    "finding": "findings.manage",
    "waiver": "gates.ask",
    "feature": "planning.edit",
    "risk": "planning.edit",
    "incident": "incidents.record",
    "problem": "problems.manage",
    "review": "reviews.contribute",
    "reviewrecord": "reviews.contribute",
    "casestudy": "reviews.contribute",
    "actionitem": "reviews.contribute",
    "service": "trains.manage",
    "deployment": "deployments.record",
}


def readable_attachments(actor: Actor) -> QuerySet:
    """As lists of each kind say it, now: who loses sight of an object loses sight of its documents."""
    condition = Q(pk__in=[])
    for kind in KINDS:
        resource = by_kind(kind)
        if resource is None or not actor.may_somewhere(resource.requires):
            continue
        one = Q(object_kind=kind)
        if resource.rows is not None:
            own = resource.visible(actor).filter(pk=OuterRef("object_id")).order_by()
            one = Q(one, Exists(own))
        condition |= one
    return Attachment.objects.filter(condition)


def attachments_of(actor: Actor, obj: Any) -> QuerySet:
    """The documents of one object that stand."""
    resource = resource_of(obj)
    rows = readable_attachments(actor) if resource else Attachment.objects.none()
    return rows.filter(
        object_kind=resource.kind if resource else "", object_id=obj.pk, withdrawn_at__isnull=True
    ).select_related("file", "attached_by")
