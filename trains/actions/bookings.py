"""Verbs of shared resources and of the windows booked of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db import connection

from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.audit.history import bulk_update_tracked
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import TIERS, Booking, Environment, Release, SharedResource, Train
from trains.models.booking import MOST_UNITS
from trains.queries.bookings import booked, free_slot, holders, interval_of, queued
from trains.rules import intervals
from trains.rules.intervals import Interval

from .people import member

State = Booking.State
Reason = Annotated[str, Field("Reason", long=True)]
Impact = Field("Business impact", help="1 is served first. Empty: the release's risk tier.", choices=TIERS)

explain_constraint("booking_unit_once", "Another booking holds the resource in this window.")
explain_constraint("shared_resource_name_once", "There is a shared resource of this name.")


@action("shared_resource.create", creates=SharedResource, requires="calendar.manage", within="train")
def create_resource(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    kind: SharedResource.Kind,
    capacity: Annotated[int, Field("Units", help="1: one release at a time.", min=1, max=MOST_UNITS)] = 1,
    environment: Annotated[Environment | None, Field("Environment", help="If it is one.")] = None,
    train: Annotated[Train | None, Field("Train", help="Empty: shared by all trains.")] = None,
    decider: Annotated[
        str | None,
        Field("Decides conflicts", help="E-mail address of who answers escalations.", max_length=254),
    ] = None,
    description: Annotated[str, Field("Description", long=True)] = "",
) -> SharedResource:
    """Register something that releases share and book."""
    if SharedResource.objects.filter(name=name).exists():
        refuse("shared_resource.exists", f"There is a shared resource {name}.", field="name")
    if environment is not None and kind != SharedResource.Kind.ENVIRONMENT:
        refuse("shared_resource.kind", "Only a resource of kind environment names one.", field="environment")
    return SharedResource.objects.create(
        name=name,
        kind=kind,
        capacity=capacity,
        environment=environment,
        train=train,
        decider=member(decider, "decider") if decider else None,
        description=description,
    )


@action("shared_resource.edit", on=SharedResource, requires="calendar.manage")
def edit_resource(
    actor: Actor,
    resource: SharedResource,
    *,
    capacity: Annotated[int | None, Field("Units", min=1, max=MOST_UNITS)] = None,
    decider: Annotated[str | None, Field("Decides conflicts", help="E-mail address.", max_length=254)] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
) -> SharedResource:
    """Change how many units there are, who decides conflicts, or the description."""
    if capacity is not None and capacity != resource.capacity:
        ahead = [b for b in booked(resource) if b.ends > now()]
        if ahead and not _rearranged(ahead, capacity):
            refuse(
                "shared_resource.booked",
                f"Bookings of {resource} need more than {capacity} at once.",
                remedy="Cancel or move bookings first.",
                field="capacity",
            )
        resource.capacity = capacity
    resource.decider = member(decider, "decider") if decider else resource.decider
    resource.description = resource.description if description is None else description
    resource.save()
    _serve_queue(resource)
    return resource


@action("shared_resource.retire", on=SharedResource, requires="calendar.manage", danger=True)
def retire_resource(actor: Actor, resource: SharedResource, *, reason: Reason) -> SharedResource:
    """Take a resource out of use; what is booked from now on has to move first."""
    if resource.retired_at:
        refuse("shared_resource.retired", f"{resource} is retired already.")
    ahead = resource.bookings.filter(ends__gt=now()).exclude(state=State.CANCELLED).first()
    if ahead:
        refuse(
            "shared_resource.booked",
            f"{ahead.key} still needs {resource}.",
            remedy="Cancel or move it first.",
            blocked_by=Ref.of(ahead),
        )
    resource.retired_at = now()
    resource.save()
    return resource


@action("booking.create", creates=Booking, requires="releases.manage", within="release")
def create_booking(
    actor: Actor,
    *,
    resource: Annotated[SharedResource, Field("Resource")],
    release: Release,
    starts: Annotated[datetime, Field("Starts")],
    ends: Annotated[datetime, Field("Ends", help="Others can have it from this moment.")],
    purpose: Annotated[str, Field("Purpose", max_length=200)] = "",
    impact: Annotated[int | None, Impact] = None,
    queue: Annotated[
        bool, Field("Wait in the queue", help="If it is taken: wait by business impact instead of a refusal.")
    ] = False,
) -> Booking:
    """Book one unit of a shared resource for a release."""
    resource = _held(resource)
    window = _window(starts, ends)
    if resource.retired_at:
        refuse("shared_resource.retired", f"{resource} is retired.", field="resource")
    if not release.is_open:
        refuse("release.over", f"{release} is {release.get_state_display().lower()}.", field="release")
    booking = Booking(
        resource=resource,
        release=release,
        starts=starts,
        ends=ends,
        purpose=purpose,
        impact=release.tier if impact is None else impact,
    )
    if not _placed(booking, window):
        if not queue:
            _refuse_taken(resource, window)
        booking.state = State.QUEUED
    booking.save()
    return booking


@action("booking.move", on=Booking, requires="releases.manage")
def move_booking(
    actor: Actor,
    booking: Booking,
    *,
    starts: Annotated[datetime, Field("Starts")],
    ends: Annotated[datetime, Field("Ends")],
) -> Booking:
    """Give a booking another window; whoever waited for the old one may get it."""
    resource = _held(booking.resource)
    _open(booking)
    window = _window(starts, ends)
    booking.starts, booking.ends = starts, ends
    if _placed(booking, window):
        booking.state = State.BOOKED
    elif booking.state == State.BOOKED:
        _refuse_taken(resource, window, but=booking)
    booking.save()
    _serve_queue(resource)
    return booking


@action("booking.cancel", on=Booking, requires="releases.manage", danger=True)
def cancel_booking(actor: Actor, booking: Booking, *, reason: Reason) -> Booking:
    """Give a window back; the first in the queue that fits gets it."""
    resource = _held(booking.resource)
    _open(booking)
    booking.state, booking.unit = State.CANCELLED, None
    booking.save()
    _serve_queue(resource)
    return booking


@action("booking.escalate", on=Booking, requires="releases.manage")
def escalate_booking(actor: Actor, booking: Booking, *, reason: Reason) -> Booking:
    """Ask who decides about the resource to settle a conflict; among equals, an escalated booking goes first."""
    if booking.state != State.QUEUED:
        refuse(
            "booking.not_waiting",
            f"{booking.key} is {booking.get_state_display().lower()}; only one that waits can be escalated.",
        )
    if booking.escalated_at:
        refuse("booking.escalated", f"{booking.key} is escalated already.", remedy="Wait for the decision.")
    booking.escalated_at, booking.escalation = now(), reason
    booking.save()
    return booking


@action(
    "booking.give_way",
    on=Booking,
    requires="calendar.manage",
    danger=True,
    confirm="The booking loses its window and waits in the queue.",
)
def give_way(
    actor: Actor,
    booking: Booking,
    *,
    to: Annotated[Booking, Field("In favour of", help="A booking of the same resource that waits.")],
    reason: Reason,
) -> Booking:
    """Decide a conflict: the booking goes back to the queue, another that waits takes its window."""
    resource = _held(booking.resource)
    if booking.state != State.BOOKED:
        refuse("booking.not_booked", f"{booking.key} holds nothing it could give up.")
    if to.resource_id != booking.resource_id or to.state != State.QUEUED:
        refuse("booking.not_waiting", f"{to.key} does not wait for {resource}.", field="to")
    _decides(actor, resource)
    booking.state, booking.unit = State.QUEUED, None
    booking.save()
    if not _placed(to, interval_of(to)):
        refuse(
            "booking.still_taken",
            f"{to.key} would still find {resource} taken.",
            remedy="Let the other bookings of its window give way, too.",
            blocked_by=Ref.of(holders(booked(resource), interval_of(to))[0]),
            field="to",
        )
    to.state = State.BOOKED
    to.save()
    _serve_queue(resource)
    return booking


def _decides(actor: Actor, resource: SharedResource) -> None:
    if resource.decider_id and actor.user_id != resource.decider_id and actor.kind != "system":
        refuse(
            "booking.decider",
            f"{resource.decider} decides conflicts about {resource}.",
            remedy="Escalate the booking that waits, and ask them.",
            status=403,
        )


def _held(resource: SharedResource) -> SharedResource:
    """The resource, locked: two that book it at once come one after the other."""
    return SharedResource.objects.select_for_update(of=("self",)).get(pk=resource.pk)


def _open(booking: Booking) -> None:
    if booking.state == State.CANCELLED:
        refuse("booking.cancelled", f"{booking.key} is cancelled.")
    if booking.ends <= now():
        refuse("booking.over", f"{booking.key} is over.")


def _window(starts: datetime, ends: datetime) -> Interval:
    if ends <= starts:
        refuse("booking.period", "The end lies before the start.", field="ends")
    if ends <= now():
        refuse("booking.past", "The window is over already.", field="ends")
    return Interval(starts, ends)


def _placed(booking: Booking, window: Interval) -> bool:
    """Give the booking a unit that is free in the window, moving others between units where that makes room."""
    taken = [b for b in booked(booking.resource) if b.pk != booking.pk]
    used = {b.unit for b in holders(taken, window)}
    capacity = booking.resource.capacity
    free = next((u for u in range(1, capacity + 1) if u not in used), None)
    if free is None and not _all_taken(taken, window, capacity):
        free = _rearranged(taken, capacity, window)
    if free is None:
        return False
    booking.unit = free
    return True


def _all_taken(taken: list[Booking], window: Interval, capacity: int) -> bool:
    """Whether all units are taken at some moment of the window."""
    return any(each.overlaps(window) for each in intervals.full(map(interval_of, taken), capacity))


def _rearranged(taken: list[Booking], capacity: int, window: Interval | None = None) -> int | None:
    """Deal the units anew among the bookings; the unit of the window, or 1 without one; None where it cannot be."""
    wanted = [interval_of(b) for b in taken] + ([window] if window else [])
    dealt = intervals.units(wanted, capacity)
    if dealt is None:
        return None
    moved = []
    for each, unit in zip(taken, dealt, strict=False):
        if each.unit != unit:
            each.unit = unit
            moved.append(each)
    if moved:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS booking_unit_once DEFERRED")
            bulk_update_tracked(moved, ["unit"])
            cursor.execute("SET CONSTRAINTS booking_unit_once IMMEDIATE")
    return dealt[-1] if window else 1


def _refuse_taken(resource: SharedResource, window: Interval, but: Booking | None = None) -> None:
    taken = [b for b in booked(resource) if but is None or b.pk != but.pk]
    rivals = holders(taken, window)
    free = free_slot(resource, window, taken)
    nearest = f"Nearest free window: {_said(free)}. " if free else ""
    names = ", ".join(f"{b.key} of {b.release.key} ({_said(interval_of(b))})" for b in rivals[:3])
    refuse(
        "booking.taken",
        f"{resource} is taken by {names}.",
        remedy=f"{nearest}Or wait in the queue, and escalate if it cannot wait.",
        blocked_by=Ref.of(rivals[0]),
        field="starts",
        status=409,
    )


def _said(window: Interval | None) -> str:
    return f"{window.starts:%Y-%m-%d %H:%M} – {window.ends:%Y-%m-%d %H:%M} UTC" if window else ""


def _serve_queue(resource: SharedResource) -> None:
    """Whoever waits and fits now gets a unit, the greatest business impact first."""
    for waiting in queued(resource):
        if waiting.ends > now() and _placed(waiting, interval_of(waiting)):
            waiting.state = State.BOOKED
            waiting.save()
