"""Verbs of archives: ask for one, cancel it, take it away."""

from __future__ import annotations

from typing import Annotated

from django.core.cache import cache

from releasetrain.access import tasks
from releasetrain.access.models import OrganizationArchive
from releasetrain.access.states import ARCHIVE_STATES
from releasetrain.audit import ledger
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue

State = OrganizationArchive.State
explain_constraint("organization_archive_one_at_a_time", "An archive is being made already.")


@action(
    "organization_archive.ask",
    creates=OrganizationArchive,
    requires="organization.manage",
    label="Export everything",
    step_up=True,
)
def ask_for_archive(
    actor: Actor, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> OrganizationArchive:
    """Have all rows and files of the organization put into one archive; a worker makes it."""
    under_way = OrganizationArchive.objects.filter(state__in=[State.QUEUED, State.RUNNING]).first()
    if under_way is not None:
        refuse("archive.under_way", f"{under_way} is being made.", remedy="Wait for it, or cancel it.")
    archive = OrganizationArchive.objects.create(reason=reason.strip(), asked_by_id=actor.user_id)
    enqueue(tasks.make_archive, actor.organization_id)
    return archive


@action(
    "organization_archive.cancel",
    on=OrganizationArchive,
    requires="organization.manage",
    machine=ARCHIVE_STATES,
)
def cancel_archive(actor: Actor, archive: OrganizationArchive) -> OrganizationArchive:
    """Stop making it."""
    archive.lease, archive.claimed_until = None, None
    cache.set(f"archive-cancelled:{archive.pk}", True, 3600)
    return archive


def hand_out(actor: Actor, archive: OrganizationArchive) -> OrganizationArchive:
    """Let an owner take the archive away; every time is on record."""
    if not actor.may("organization.manage"):
        refuse(
            "permission.missing",
            "You need the permission organization.manage for this.",
            remedy="An organization owner can grant you a role that carries it.",
            status=403,
        )
    if archive.state != State.READY or archive.expires_at is None or archive.expires_at <= now():
        refuse(
            "archive.not_there",
            f"{archive} is {archive.get_state_display().lower()}: there is no file to take.",
            remedy="Ask for a new one.",
        )
    ledger.append(actor, "organization_archive.download", archive, {"digest": archive.digest})
    return archive
