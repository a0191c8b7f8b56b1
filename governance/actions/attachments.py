"""Verbs of attachments: a document is attached to an object, and withdrawn."""

from __future__ import annotations

from typing import Annotated

from governance import files
from governance.models import Attachment
from governance.queries.attachments import KINDS
from governance.rules.uploads import KNOWN, Unfit, recognised
from releasetrain.audit.doorway import Actor, action, explain_constraint
from releasetrain.interface.resources import by_kind
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import refuse

explain_constraint("attachment_once", "This document is attached to the object already.")


@action("attachment.create", creates=Attachment, requires="organization.view", label="Attach a document")
def attach(
    actor: Actor,
    *,
    kind: Annotated[str, Field("Kind", choices=[(kind, kind) for kind in KINDS])],
    object: Annotated[str, Field("Object", help="Its key or id.", max_length=100)],
    file: Annotated[Upload, Field("File", help=f"20 MiB at most. {KNOWN}.")],
    note: Annotated[str, Field("Note", help="What it shows.", max_length=500)] = "",
) -> Attachment:
    """Keep a document as evidence of an object: told by its content, by its digest, readable to who may see the object."""
    resource = by_kind(kind) if kind in KINDS else None
    found = resource.find(actor, object) if resource else None
    if resource is None or found is None:
        refuse("attachment.object", f"There is no {kind[:60]} {object[:100]}.", field="object", status=422)
    if actor.user_id is None or not actor.may(KINDS[kind], found):
        refuse(
            "attachment.forbidden", f"You may not attach documents to this {resource.label}.",
            remedy=f"It takes the permission {KINDS[kind]}.", status=403,
        )  # fmt: skip
    media_type = checked(file)
    # The record of the bytes is seen in the list of files: the name tells something of the object, so it stays here.
    neutral = f"attachment-{files.digest_of(file.content)[7:19]}"
    stored = files.keep(file.content, name=neutral, media_type=media_type)
    files.restore(stored, file.content)
    if Attachment.objects.filter(
        object_kind=kind, object_id=found.pk, file=stored, withdrawn_at__isnull=True
    ).exists():
        refuse("attachment.exists", "This document is attached to the object already.", field="file")
    return Attachment.objects.create(
        object_kind=kind,
        object_id=found.pk,
        object_label=str(found)[:200],
        name=file.name,
        media_type=media_type,
        note=note,
        file=stored,
        attached_by_id=actor.user_id,
    )


def checked(file: Upload, field: str = "file") -> str:
    """The media type of a document that may be kept; refuses every other."""
    try:
        return recognised(file.name, file.content).media_type
    except Unfit as unfit:
        refuse(f"upload.{unfit.code}", unfit.sentence, remedy=unfit.remedy, field=field, status=422)


@action("attachment.withdraw", on=Attachment, requires="organization.view", label="Withdraw")
def withdraw(
    actor: Actor, attachment: Attachment, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> Attachment:
    """Say that the document counts no more. It stays on record, and its bytes stay as long as they have to."""
    resource = by_kind(attachment.object_kind)
    about = resource.find(actor, str(attachment.object_id)) if resource else None
    if about is None or not actor.may(KINDS[attachment.object_kind], about):
        refuse("attachment.forbidden", "You may not withdraw documents of this object.", status=403)
    if attachment.withdrawn_at:
        refuse("attachment.withdrawn", "It is withdrawn already.")
    if not reason.strip():
        refuse("attachment.reason", "Say why.", field="reason", status=422)
    attachment.withdrawn_at, attachment.withdrawn_reason = now(), reason.strip()
    attachment.save()
    return attachment
