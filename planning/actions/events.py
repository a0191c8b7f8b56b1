"""Planning events: agenda from a template, one timer for all, rooms, joining by link, parking lot."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from planning.models import (
    EventAttendee,
    EventRoom,
    EventSlot,
    ParkingItem,
    PlanningEvent,
    SlotKind,
)
from planning.models.event import join_code
from planning.rules import agenda
from planning.states_event import EVENT_STATES
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import ProgramIncrement, Team

explain_constraint("event_slot_one_current", "Another slot has begun meanwhile.")
explain_constraint("event_room_name_once", "There is a room of this name already.")
explain_constraint("event_room_somewhere", "A room has a place, a link, or both.")

State, Slot = PlanningEvent.State, EventSlot.State
FACILITATE, TAKE_PART = "planning.commit", "planning.score"

TEMPLATE_CHOICES = tuple((name, title) for name, (title, _) in agenda.TEMPLATES.items())
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")


def _open_increments(actor: Actor, subject: Any) -> Any:
    return ProgramIncrement.objects.exclude(state="closed").order_by("-starts")


def _link(text: str) -> str:
    link = text.strip()
    if link and not re.match(r"https?://[^\s/]+", link):
        refuse("link.invalid", "A link begins with https://.", field="link", status=422)
    return link


@action(
    "planning_event.create",
    creates=PlanningEvent,
    requires=FACILITATE,
    within="pi",
    label="New planning event",
)
def create_event(
    actor: Actor,
    *,
    pi: Annotated[ProgramIncrement, Field("Program Increment", rows=_open_increments)],
    starts_on: Annotated[date, Field("First day")],
    begins: Annotated[str, Field("Begins at", "HH:MM in the event's zone.", max_length=5)] = "09:00",
    template: Annotated[str, Field("Agenda", choices=TEMPLATE_CHOICES, max_length=30)] = "two_days",
    like: Annotated[
        PlanningEvent | None, Field("Or the agenda of", "An earlier event, instead of the template.")
    ] = None,
    time_zone: Annotated[str, Field("Time zone", "The train's when left out.", max_length=64)] = "",
    title: Annotated[str, Field("Title", max_length=160)] = "",
    place: Annotated[str, Field("Place", max_length=200)] = "",
    link: Annotated[str, Field("Meeting link", max_length=500)] = "",
) -> PlanningEvent:
    """Set up the planning of a Program Increment with an agenda of time boxes."""
    if pi.state == "closed":
        refuse("pi.closed", f"{pi} is closed.", field="pi", blocked_by=Ref.of(pi))
    zone = time_zone.strip() or pi.train.time_zone
    if zone not in available_timezones():
        refuse(
            "zone.unknown",
            f"There is no time zone {zone}.",
            remedy="Write it like Europe/London.",
            field="time_zone",
            status=422,
        )
    clock = _CLOCK.match(begins.strip())
    if clock is None:
        refuse("clock.invalid", "Write the time like 09:00.", field="begins", status=422)
    event = PlanningEvent.objects.create(
        pi=pi,
        title=title.strip() or f"Planning of {pi}",
        time_zone=zone,
        place=place.strip(),
        link=_link(link),
    )
    days = _days_of(like) if like is not None else agenda.TEMPLATES[template][1]
    start = time(int(clock[1]), int(clock[2]))
    for box, moment in agenda.laid_out(days, starts_on, start, ZoneInfo(zone)):
        EventSlot.objects.create(
            event=event, kind=box.kind, title=box.title, starts_at=moment, minutes=box.minutes
        )
    return event


def _days_of(event: PlanningEvent) -> list[list[agenda.Box]]:
    """The boxes of an event, day by day in its own zone."""
    zone, days = ZoneInfo(event.time_zone), {}
    for slot in event.slots.order_by("starts_at", "id"):
        day = slot.starts_at.astimezone(zone).date()
        days.setdefault(day, []).append(agenda.Box(slot.kind, slot.title, slot.minutes))
    return [days[day] for day in sorted(days)]


@action("planning_event.edit", on=PlanningEvent, requires=FACILITATE)
def edit_event(
    actor: Actor,
    event: PlanningEvent,
    *,
    title: Annotated[str | None, Field("Title", max_length=160)] = None,
    place: Annotated[str | None, Field("Place", max_length=200)] = None,
    link: Annotated[str | None, Field("Meeting link", max_length=500)] = None,
    agreements: Annotated[
        str | None, Field("Working agreements", "One to a line, made by those who are there.", long=True)
    ] = None,
) -> PlanningEvent:
    """Change the title, where it takes place, or the working agreements."""
    event.title = (title or "").strip() or event.title
    event.place = event.place if place is None else place.strip()
    event.link = event.link if link is None else _link(link)
    event.agreements = event.agreements if agreements is None else agreements.strip()
    event.save()
    return event


@action(
    "planning_event.renew_link",
    on=PlanningEvent,
    requires=FACILITATE,
    label="Renew the join link",
    confirm="The present link stops working at once. Whoever has joined stays.",
)
def renew_link(actor: Actor, event: PlanningEvent) -> PlanningEvent:
    """Make a new link to join by; the old one leads nowhere."""
    event.code = join_code()
    event.save()
    return event


# -- the timer --


def _stop(event: PlanningEvent) -> None:
    """Book the running time to the current slot and stop the timer."""
    if event.current is not None and event.ticking_since is not None:
        event.current.used = agenda.seconds_used(event.current.used, event.ticking_since, now())
    event.ticking_since = None


def _finish(event: PlanningEvent) -> None:
    _stop(event)
    if event.current is not None:
        event.current.state, event.current.finished_at = Slot.DONE, now()
        event.current.save()
    event.current = None


def _begin(event: PlanningEvent, slot: EventSlot) -> None:
    _finish(event)
    slot.state, slot.began_at, slot.finished_at = Slot.CURRENT, slot.began_at or now(), None
    slot.save()
    event.current, event.ticking_since = slot, now()


def _next_slot(event: PlanningEvent) -> EventSlot | None:
    return event.slots.filter(state=Slot.PENDING).order_by("starts_at", "id").first()


def _current(event: PlanningEvent) -> EventSlot:
    if event.current is None:
        refuse(
            "event.no_slot",
            "No part of the agenda is running.",
            remedy="Begin one from the agenda.",
            status=409,
        )
    return event.current


@action("planning_event.start", on=PlanningEvent, requires=FACILITATE, machine=EVENT_STATES)
def start_event(actor: Actor, event: PlanningEvent) -> PlanningEvent:
    """Open the event with the first part of its agenda; its timer runs for everybody."""
    slot = _next_slot(event)
    if slot is None:
        refuse("event.empty", f"{event} has no agenda.", remedy="Add a slot.")
    if event.pi.state == "draft":
        from trains.actions.increments import open_planning

        open_planning(actor, event.pi)
    _begin(event, slot)
    return event


@action("planning_event.next", on=PlanningEvent, requires=FACILITATE, machine=EVENT_STATES, label="Next slot")
def next_slot(actor: Actor, event: PlanningEvent) -> PlanningEvent:
    """Finish the present part of the agenda and begin the next one."""
    slot = _next_slot(event)
    if slot is None:
        _finish(event)
    else:
        _begin(event, slot)
    event.save()
    return event


@action("planning_event.pause", on=PlanningEvent, requires=FACILITATE, machine=EVENT_STATES)
def pause_timer(actor: Actor, event: PlanningEvent) -> PlanningEvent:
    """Stop the timer; the time of the slot stands still."""
    slot = _current(event)
    if event.ticking_since is None:
        refuse("timer.paused", "The timer stands still already.", remedy="Resume it.")
    _stop(event)
    slot.save()
    event.save()
    return event


@action("planning_event.resume", on=PlanningEvent, requires=FACILITATE, machine=EVENT_STATES)
def resume_timer(actor: Actor, event: PlanningEvent) -> PlanningEvent:
    """Let the timer run on."""
    _current(event)
    if event.ticking_since is not None:
        refuse("timer.running", "The timer runs.", remedy="Pause it first.")
    event.ticking_since = now()
    event.save()
    return event


@action(
    "planning_event.extend",
    on=PlanningEvent,
    requires=FACILITATE,
    machine=EVENT_STATES,
    label="Add time",
)
def extend(
    actor: Actor,
    event: PlanningEvent,
    *,
    minutes: Annotated[int, Field("Minutes", min=1, max=120)] = 5,
) -> PlanningEvent:
    """Give the present slot more time."""
    slot = _current(event)
    if slot.extra_minutes + minutes > 600:
        refuse("timer.too_long", "No slot is extended by more than ten hours.", field="minutes", status=422)
    slot.extra_minutes += minutes
    slot.save()
    event.save()
    return event


@action(
    "planning_event.end",
    on=PlanningEvent,
    requires=FACILITATE,
    machine=EVENT_STATES,
    confirm="The timer stops and what has not begun is skipped.",
)
def end_event(actor: Actor, event: PlanningEvent) -> PlanningEvent:
    """Close the event."""
    _finish(event)
    for slot in event.slots.filter(state=Slot.PENDING):
        slot.state = Slot.SKIPPED
        slot.save()
    event.ended_at = now()
    return event


# -- the agenda --


def _not_ended(event: PlanningEvent) -> None:
    if event.state == State.ENDED:
        refuse("event.ended", f"{event} has ended.", blocked_by=Ref.of(event))


def _locked(event: PlanningEvent) -> PlanningEvent:
    """The event as it is now, held: its timer and a slot change together."""
    return PlanningEvent.objects.select_for_update(of=("self",)).select_related("current").get(pk=event.pk)


@action("event_slot.create", creates=EventSlot, requires=FACILITATE, within="event", label="Add a slot")
def create_slot(
    actor: Actor,
    *,
    event: Annotated[PlanningEvent, Field("Event")],
    title: Annotated[str, Field("Title", max_length=120)],
    starts_at: Annotated[datetime, Field("Starts")],
    minutes: Annotated[int, Field("Minutes", min=1, max=600)],
    kind: Annotated[SlotKind, Field("Kind")] = SlotKind.OTHER,
    room: Annotated[str, Field("Room", max_length=120)] = "",
    link: Annotated[str, Field("Link", max_length=500)] = "",
    lead: Annotated[User | None, Field("Led by")] = None,
) -> EventSlot:
    """Add a time box to the agenda."""
    _not_ended(event)
    return EventSlot.objects.create(
        event=event,
        kind=kind,
        title=title.strip(),
        starts_at=starts_at,
        minutes=minutes,
        room=room.strip(),
        link=_link(link),
        lead=lead,
    )


@action("event_slot.edit", on=EventSlot, requires=FACILITATE)
def edit_slot(
    actor: Actor,
    slot: EventSlot,
    *,
    title: Annotated[str | None, Field("Title", max_length=120)] = None,
    starts_at: Annotated[datetime | None, Field("Starts")] = None,
    minutes: Annotated[int | None, Field("Minutes", min=1, max=600)] = None,
    room: Annotated[str | None, Field("Room", max_length=120)] = None,
    link: Annotated[str | None, Field("Link", max_length=500)] = None,
    lead: Annotated[User | None, Field("Led by")] = None,
    note: Annotated[str | None, Field("Outcome", long=True)] = None,
) -> EventSlot:
    """Move or change a slot, or write down what came of it."""
    if slot.state != Slot.PENDING and (starts_at or minutes):
        refuse(
            "event_slot.begun",
            f"{slot} has begun.",
            remedy="Add time to it instead.",
            field="minutes" if minutes else "starts_at",
        )
    slot.title = (title or "").strip() or slot.title
    slot.starts_at, slot.minutes = starts_at or slot.starts_at, minutes or slot.minutes
    slot.room = slot.room if room is None else room.strip()
    slot.link = slot.link if link is None else _link(link)
    slot.note = slot.note if note is None else note.strip()
    slot.lead = lead or slot.lead
    slot.save()
    return slot


@action("event_slot.begin", on=EventSlot, requires=FACILITATE)
def begin_slot(actor: Actor, slot: EventSlot) -> EventSlot:
    """Begin this part of the agenda now; the present one is finished."""
    event = _locked(slot.event)
    if event.state != State.RUNNING:
        refuse(
            "event.not_running", f"{event} is {event.get_state_display().lower()}.", remedy="Start it first."
        )
    if slot.state == Slot.CURRENT:
        refuse("event_slot.current", f"{slot} is running.")
    _begin(event, slot)
    event.save()
    return slot


@action("event_slot.skip", on=EventSlot, requires=FACILITATE)
def skip_slot(actor: Actor, slot: EventSlot) -> EventSlot:
    """Leave this part of the agenda out."""
    if slot.state != Slot.PENDING:
        refuse(
            "event_slot.begun", f"{slot} is {slot.get_state_display().lower()}.", remedy="Begin the next one."
        )
    slot.state = Slot.SKIPPED
    slot.save()
    return slot


@action("event_room.create", creates=EventRoom, requires=FACILITATE, within="event", label="Add a room")
def create_room(
    actor: Actor,
    *,
    event: Annotated[PlanningEvent, Field("Event")],
    name: Annotated[str, Field("Name", max_length=120)],
    team: Annotated[Team | None, Field("Team", "Empty: for everybody.")] = None,
    place: Annotated[str, Field("Place", max_length=200)] = "",
    link: Annotated[str, Field("Link", max_length=500)] = "",
) -> EventRoom:
    """Say where a team meets, in the building and online."""
    _not_ended(event)
    if team is not None and team.train_id != event.pi.train_id:
        refuse("train.other", f"{team} is not a team of this train.", field="team")
    return EventRoom.objects.create(
        event=event, name=name.strip(), team=team, place=place.strip(), link=_link(link)
    )


# -- people --


@action(
    "event_attendee.join",
    creates=EventAttendee,
    requires="organization.view",
    label="Join",
)
def join_event(
    actor: Actor,
    *,
    event: Annotated[PlanningEvent, Field("Event")],
    presence: Annotated[EventAttendee.Presence, Field("Where you are")] = EventAttendee.Presence.REMOTE,
    team: Annotated[Team | None, Field("Team")] = None,
) -> EventAttendee:
    """Take part in an event. Joining again changes where you are."""
    _not_ended(event)
    if actor.user_id is None:
        refuse("event.nobody", "Only people join.")
    if team is not None and team.train_id != event.pi.train_id:
        refuse("train.other", f"{team} is not a team of this train.", field="team")
    found = EventAttendee.objects.filter(event=event, user_id=actor.user_id).first()
    attendee = found or EventAttendee(event=event, user_id=actor.user_id, joined_at=now())
    attendee.presence, attendee.team, attendee.left_at = presence, team or attendee.team, None
    attendee.save()
    return attendee


@action("event_attendee.leave", on=EventAttendee, requires="organization.view")
def leave_event(actor: Actor, attendee: EventAttendee) -> EventAttendee:
    """Say that you have left."""
    if attendee.user_id != actor.user_id and not actor.may(FACILITATE, attendee):
        refuse("event.other_person", f"{attendee} leaves, or the facilitator says so.", status=403)
    attendee.left_at = attendee.left_at or now()
    attendee.save()
    return attendee


@action("parking_item.park", creates=ParkingItem, requires=TAKE_PART, within="event", label="Park a topic")
def park(
    actor: Actor,
    *,
    event: Annotated[PlanningEvent, Field("Event")],
    text: Annotated[str, Field("Topic", max_length=300)],
) -> ParkingItem:
    """Keep a topic for later without stopping now."""
    _not_ended(event)
    if not text.strip():
        refuse("parking.empty", "Write what it is about.", field="text", status=422)
    return ParkingItem.objects.create(event=event, text=text.strip(), raised_by_id=actor.user_id)


@action("parking_item.settle", on=ParkingItem, requires=TAKE_PART)
def settle_parked(
    actor: Actor,
    item: ParkingItem,
    *,
    outcome: Annotated[str, Field("What came of it", max_length=300)],
) -> ParkingItem:
    """Say what came of a parked topic."""
    if not outcome.strip():
        refuse("parking.outcome", "Say what came of it.", field="outcome", status=422)
    item.state, item.outcome, item.settled_at = ParkingItem.State.SETTLED, outcome.strip(), now()
    item.save()
    return item
