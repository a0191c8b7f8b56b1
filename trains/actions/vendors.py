"""Verbs of vendors: contacts, contracts, notices, and the services that need them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Service, Vendor, VendorContact, VendorContract, VendorNotice, VendorService

from .trains import known_zone

Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("vendor_contact_reachable", "A contact has an e-mail address or a telephone number.")


@action("vendor.create", creates=Vendor, requires="calendar.manage")
def create_vendor(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    kind: Vendor.Kind = Vendor.Kind.VENDOR,
    time_zone: Annotated[str, Field("Time zone", help="Of its windows, e.g. America/New_York.")] = "UTC",
    description: Annotated[str, Field("Description", long=True)] = "",
) -> Vendor:
    """Register an external vendor or SaaS provider."""
    if Vendor.objects.filter(name=name).exists():
        refuse("vendor.exists", f"There is a vendor {name}.", field="name")
    return Vendor.objects.create(
        name=name, kind=kind, time_zone=known_zone(time_zone), description=description
    )


@action("vendor.edit", on=Vendor, requires="calendar.manage")
def edit_vendor(
    actor: Actor,
    vendor: Vendor,
    *,
    kind: Vendor.Kind | None = None,
    time_zone: Annotated[str | None, Field("Time zone")] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
) -> Vendor:
    """Change a vendor; windows keep the zone they were set in."""
    vendor.kind = kind or vendor.kind
    vendor.time_zone = known_zone(time_zone) if time_zone else vendor.time_zone
    vendor.description = vendor.description if description is None else description
    vendor.save()
    return vendor


@action("vendor.retire", on=Vendor, requires="calendar.manage", danger=True)
def retire_vendor(actor: Actor, vendor: Vendor, *, reason: Reason) -> Vendor:
    """Take a vendor out of use, once no service needs it."""
    needed = vendor.services.filter(removed_at__isnull=True).select_related("service").first()
    if needed:
        refuse(
            "vendor.needed",
            f"{needed.service} needs {vendor}.",
            remedy="Say first that it no longer does.",
            blocked_by=Ref.of(needed.service),
        )
    if vendor.retired_at:
        refuse("vendor.retired", f"{vendor} is retired already.")
    vendor.retired_at = now()
    vendor.save()
    for window in vendor.windows.filter(retired_at__isnull=True):
        window.retired_at = now()
        window.save()
    return vendor


@action("vendor_contact.create", creates=VendorContact, requires="calendar.manage")
def create_contact(
    actor: Actor,
    *,
    vendor: Vendor,
    name: Annotated[str, Field("Name", max_length=120)],
    role: Annotated[str, Field("Role", help="E.g. support desk or account manager.", max_length=120)] = "",
    email: Annotated[str, Field("E-mail address", max_length=254)] = "",
    phone: Annotated[str, Field("Telephone", max_length=40)] = "",
) -> VendorContact:
    """Add somebody at the vendor who can be reached."""
    if not email and not phone:
        refuse("vendor_contact.unreachable", "Give an e-mail address or a telephone number.", field="email")
    contact = VendorContact(vendor=vendor, name=name, role=role, email=email, phone=phone)
    contact.full_clean(exclude=["vendor", "organization"])
    contact.save()
    return contact


@action("vendor_contact.remove", on=VendorContact, requires="calendar.manage")
def remove_contact(actor: Actor, contact: VendorContact, *, reason: Reason) -> VendorContact:
    """Strike a contact that no longer answers."""
    if contact.removed_at:
        refuse("vendor_contact.removed", f"{contact} is removed already.")
    contact.removed_at = now()
    contact.save()
    return contact


@action("vendor_contract.create", creates=VendorContract, requires="calendar.manage")
def create_contract(
    actor: Actor,
    *,
    vendor: Vendor,
    reference: Annotated[str, Field("Reference", max_length=120)],
    starts: Annotated[date, Field("Starts")],
    ends: Annotated[date | None, Field("Ends", help="First day after it. Empty: open-ended.")] = None,
    notice_days: Annotated[int, Field("Days of notice before updates", min=0, max=1000)] = 0,
    terms: Annotated[str, Field("Terms", long=True)] = "",
) -> VendorContract:
    """Record what was agreed with a vendor."""
    if ends is not None and ends <= starts:
        refuse("vendor_contract.period", "The end lies before the start.", field="ends")
    if vendor.contracts.filter(reference=reference).exists():
        refuse("vendor_contract.exists", f"{vendor} has a contract {reference}.", field="reference")
    return VendorContract.objects.create(
        vendor=vendor, reference=reference, starts=starts, ends=ends, notice_days=notice_days, terms=terms
    )


@action("vendor_notice.create", creates=VendorNotice, requires="calendar.manage")
def create_notice(
    actor: Actor,
    *,
    vendor: Vendor,
    kind: VendorNotice.Kind,
    title: Annotated[str, Field("Title", max_length=200)],
    text: Annotated[str, Field("Text", long=True)] = "",
    starts: Annotated[
        datetime | None, Field("Starts", help="With a window it stands on the calendar.")
    ] = None,
    ends: Annotated[datetime | None, Field("Ends")] = None,
) -> VendorNotice:
    """Record what a vendor announced; a window of it becomes a conflict for releases of services that need it."""
    if (starts is None) != (ends is None):
        refuse("vendor_notice.window", "Give both the start and the end.", field="starts" if ends else "ends")
    if starts is not None and ends is not None and ends <= starts:
        refuse("vendor_notice.period", "The end lies before the start.", field="ends")
    return VendorNotice.objects.create(
        vendor=vendor, kind=kind, title=title, text=text, starts=starts, ends=ends
    )


@action("vendor_notice.withdraw", on=VendorNotice, requires="calendar.manage")
def withdraw_notice(actor: Actor, notice: VendorNotice, *, reason: Reason) -> VendorNotice:
    """Strike a notice that the vendor took back."""
    if notice.withdrawn_at:
        refuse("vendor_notice.withdrawn", f"{notice} is withdrawn already.")
    notice.withdrawn_at = now()
    notice.save()
    return notice


@action("vendor_service.create", creates=VendorService, requires="calendar.manage", within="service")
def create_vendor_service(actor: Actor, *, vendor: Vendor, service: Service) -> VendorService:
    """Say that a service needs a vendor: releases of it keep out of the vendor's windows."""
    if vendor.retired_at:
        refuse("vendor.retired", f"{vendor} is retired.", field="vendor")
    if VendorService.objects.filter(vendor=vendor, service=service, removed_at__isnull=True).exists():
        refuse("vendor_service.exists", f"{service} needs {vendor} already.", field="service")
    return VendorService.objects.create(vendor=vendor, service=service)


@action("vendor_service.remove", on=VendorService, requires="calendar.manage", danger=True)
def remove_vendor_service(actor: Actor, need: VendorService, *, reason: Reason) -> VendorService:
    """Say that a service no longer needs a vendor."""
    if need.removed_at:
        refuse("vendor_service.removed", f"{need.service} needs {need.vendor} no longer.")
    need.removed_at = now()
    need.save()
    return need
