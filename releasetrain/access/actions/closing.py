"""Verbs of closing an organization: asked for by one owner, confirmed by another, withdrawn by any until it is done."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import transaction

from releasetrain.access.closing import WAIT, closing_of
from releasetrain.access.models import Closing
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization

explain_constraint("closing_once", "The closing of this organization is asked for already.")
explain_constraint("closing_confirmed_by_another", "Another owner than whoever asked confirms the closing.")
Why = Annotated[str, Field("Reason", max_length=500)]


@action(
    "organization.ask_to_close",
    on=Organization,
    requires="organization.manage",
    label="Close the organization",
    danger=True,
    step_up=True,
    confirm="Another owner has to confirm it. Export everything first.",
)
def ask_to_close(actor: Actor, organization: Organization, *, reason: Why) -> dict[str, Any]:
    """Ask for the removal of the organization and all it has here."""
    if closing_of(organization) is not None:
        refuse(
            "closing.asked",
            "The closing is asked for already.",
            remedy="Another owner confirms it, or withdraws it.",
        )
    if actor.user_id is None:
        refuse("closing.person", "A person asks for the closing.", status=403)
    closing = Closing.objects.create(
        former_id=organization.pk,
        slug=organization.slug,
        name=organization.name,
        reason=reason.strip(),
        asked_by=actor.user_id,
    )
    return _said(closing)


@action(
    "organization.confirm_closing",
    on=Organization,
    requires="organization.manage",
    danger=True,
    step_up=True,
    confirm="The organization is suspended at once, and removed by the operator after 30 days.",
)
def confirm_closing(actor: Actor, organization: Organization) -> dict[str, Any]:
    """Confirm, as another owner, that the organization is to be removed."""
    closing = _asked(organization)
    if closing.confirmed_at:
        refuse("closing.confirmed", "The closing is confirmed already.")
    if actor.user_id is None or closing.asked_by == actor.user_id:
        refuse(
            "closing.same",
            "Another owner than whoever asked confirms the closing.",
            remedy="Ask a second owner.",
            status=403,
        )
    closing.confirmed_by, closing.confirmed_at = actor.user_id, now()
    closing.due_at = closing.confirmed_at + WAIT
    closing.save()
    if organization.suspended_at is None:
        organization.suspended_at, organization.suspended_reason = now(), "It is being closed"
        organization.save()
    return _said(closing)


@action(
    "organization.withdraw_closing", on=Organization, requires="organization.manage", label="Do not close it"
)
def withdraw_closing(actor: Actor, organization: Organization, *, reason: Why) -> dict[str, Any]:
    """Withdraw the closing, as long as nothing is removed. Resume the organization afterwards."""
    with transaction.atomic():
        closing = _asked(organization)
        closing.withdrawn_at = now()
        closing.save()
    return _said(closing)


def _asked(organization: Organization) -> Closing:
    closing = (
        Closing.objects.select_for_update()
        .filter(former_id=organization.pk, withdrawn_at__isnull=True)
        .first()
    )
    if closing is None:
        refuse("closing.not_asked", "Nobody has asked to close this organization.")
    return closing


def _said(closing: Closing) -> dict[str, Any]:
    return {
        "closing": str(closing.pk),
        "asked_at": closing.asked_at,
        "confirmed_at": closing.confirmed_at,
        "due_at": closing.due_at,
        "withdrawn_at": closing.withdrawn_at,
    }
