"""Verbs of the archive: recordings, transcripts and minutes, each with who may read it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from problems.queries.evidence import is_link
from releasetrain.accounts.catalogue import Role
from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from reviews.models import Review, ReviewRecord
from reviews.states import REVIEW_STATES

Access = Annotated[ReviewRecord.Access, Field("Who may read it")]
Roles = Annotated[list[Role], Field("Roles that may read it besides")]
MOST_TEXT = 400_000


@action(
    "review.add_record",
    on=Review,
    requires="reviews.contribute",
    machine=REVIEW_STATES,
    label="Add a recording, transcript or minutes",
    quiet=("text",),
)
def add_record(
    actor: Actor,
    review: Review,
    *,
    kind: Annotated[ReviewRecord.Kind, Field("Kind")],
    title: Annotated[str, Field("Title", max_length=200)],
    url: Annotated[str, Field("Address", help="Of the recording, or of the original.", max_length=500)] = "",
    text: Annotated[
        str,
        Field(
            "Text", help="Of the transcript or the minutes; it is searched.", long=True, max_length=MOST_TEXT
        ),
    ] = "",
    held_on: Annotated[date | None, Field("Held on", help="Empty: today.")] = None,
    access: Access = ReviewRecord.Access.PARTICIPANTS,
    roles: Roles = [],  # noqa: B006 - read only
) -> ReviewRecord:
    """Keep what was said: a link to the recording, the transcript or the minutes."""
    if not title.strip():
        refuse("required", "Give it a title.", field="title", status=422)
    if kind == ReviewRecord.Kind.RECORDING and not url:
        refuse("review_record.url", "A recording is a link.", field="url", status=422)
    if kind != ReviewRecord.Kind.RECORDING and not text.strip():
        refuse("review_record.text", "Its text is what is searched.", field="text", status=422)
    if url and not is_link(url.strip()):
        refuse("review_record.url", "Give an https address.", field="url", status=422)
    if held_on is not None and held_on > now().date():
        refuse("review_record.future", "It is kept once it was held.", field="held_on", status=422)
    return ReviewRecord.objects.create(
        review=review,
        kind=kind,
        title=title.strip(),
        url=url.strip(),
        text=text.strip(),
        held_on=held_on or now().date(),
        access=access,
        roles=sorted({str(role) for role in roles}),
        added_by_id=actor.user_id,
    )


@action("review_record.share", on=ReviewRecord, requires="reviews.facilitate", label="Who may read it")
def share_record(
    actor: Actor,
    record: ReviewRecord,
    *,
    access: Access,
    roles: Roles = [],  # noqa: B006 - read only
    reason: Annotated[str, Field("Reason", long=True)] = "",
) -> ReviewRecord:
    """Change who may read it."""
    record.access, record.roles = access, sorted({str(role) for role in roles})
    record.save()
    return record
