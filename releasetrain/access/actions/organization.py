"""Verbs of the organization itself: its settings, suspending and resuming it."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import available_timezones

from releasetrain.audit import ledger
from releasetrain.audit.doorway import action
from releasetrain.kernel import locales
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization

Why = Annotated[str, Field("Reason", max_length=300)]


def zones() -> list[tuple[str, str]]:
    return [(z, z.replace("_", " ")) for z in sorted(available_timezones()) if "/" in z or z == "UTC"]


def _now_of(name: str) -> Any:
    return lambda actor, subject: getattr(Organization.objects.get(pk=actor.organization_id), name)


@action("organization.edit", on=Organization, requires="organization.manage", label="Edit the organization")
def edit_organization(
    actor: Actor,
    organization: Organization,
    *,
    name: Annotated[str, Field("Name", max_length=120, initial=_now_of("name"))] = KEEP,
    time_zone: Annotated[
        str,
        Field(
            "Time zone",
            help="Of pages of people who have chosen none, and of dates that are the organization's.",
            choices=zones,
            initial=_now_of("time_zone"),
        ),
    ] = KEEP,
    language: Annotated[
        str,
        Field(
            "Language",
            help="Of people who have chosen none. Empty: as their browser asks.",
            choices=locales.languages,
            initial=_now_of("language"),
        ),
    ] = KEEP,
    region: Annotated[
        str,
        Field(
            "Dates and numbers as in",
            help="Empty: as the language goes.",
            choices=locales.regions,
            initial=_now_of("region"),
        ),
    ] = KEEP,
    access_review_days: Annotated[
        int,
        Field(
            "Days between access reviews",
            help="After so many days without one, a review is due.",
            min=7,
            max=732,
            initial=_now_of("access_review_days"),
        ),
    ] = KEEP,
) -> Organization:
    """Change name, time zone, language and working settings. The word in addresses stays."""
    if name is not KEEP:
        if not name.strip():
            refuse("organization.name", "An organization has a name.", field="name")
        organization.name = name.strip()
    if time_zone is not KEEP:
        if time_zone not in available_timezones():
            refuse(
                "time_zone.unknown",
                f"{time_zone} is not a time zone of the IANA database.",
                field="time_zone",
            )
        organization.time_zone = time_zone
    if language is not KEEP:
        organization.language = language
    if region is not KEEP:
        organization.region = region
    if access_review_days is not KEEP:
        organization.access_review_days = access_review_days
    organization.save()
    return organization


@action(
    "organization.suspend",
    on=Organization,
    requires="organization.manage",
    label="Suspend the organization",
    danger=True,
    step_up=True,
    confirm="Nobody but owners can read, nobody can change anything, gates answer no pipeline, and jobs rest until it is resumed.",
)
def suspend_organization(actor: Actor, organization: Organization, *, reason: Why) -> Organization:
    """Stop everything here for a while; nothing is lost."""
    if organization.suspended_at:
        refuse("organization.suspended", f"{organization} is suspended already.", status=423)
    return _suspend(organization, reason, by_operator=False)


@action(
    "organization.resume", on=Organization, requires="organization.manage", label="Resume the organization"
)
def resume_organization(actor: Actor, organization: Organization, *, reason: Why) -> Organization:
    """Let everything go on."""
    if not organization.suspended_at:
        refuse("organization.not_suspended", f"{organization} is not suspended.")
    if organization.suspended_by_operator:
        refuse(
            "organization.by_operator",
            f"The operator of this installation suspended {organization}.",
            remedy="Ask the operator to resume it.",
            status=423,
        )
    return _resume(organization)


def suspend_as_operator(organization: Organization, reason: str) -> None:
    """From the command line, inside the organization's scope; owners cannot lift it."""
    _suspend(organization, reason, by_operator=True)
    _note(organization, "organization.suspend", reason)


def resume_as_operator(organization: Organization, reason: str) -> None:
    _resume(organization)
    _note(organization, "organization.resume", reason)


def _suspend(organization: Organization, reason: str, *, by_operator: bool) -> Organization:
    organization.suspended_at = organization.suspended_at or now()
    organization.suspended_by_operator = by_operator
    organization.suspended_reason = reason.strip()[:300]
    organization.save()
    return organization


def _resume(organization: Organization) -> Organization:
    organization.suspended_at, organization.suspended_by_operator, organization.suspended_reason = (
        None,
        False,
        "",
    )
    organization.save()
    return organization


def _note(organization: Organization, verb: str, reason: str) -> None:
    actor = Actor.system(organization.pk, reason, route="command")
    ledger.append(actor, verb, organization, {"operator": True}, reason=reason)
