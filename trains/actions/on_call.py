"""Verbs of on-call rotations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from trains.models import (
    HandOverNote,
    OnCallLayer,
    OnCallOverride,
    OnCallRotation,
    OnCallTurn,
    Service,
    Train,
)
from trains.models.on_call import LONGEST_TURN

from .people import member
from .trains import known_zone
from .windows import clock

Reason = Annotated[str, Field("Reason", long=True)]
MOST_EVENTS = 2_000
AHEAD = timedelta(days=366)

explain_constraint("on_call_layer_once", "The rotation has a layer of this number.")


@action("on_call_rotation.create", creates=OnCallRotation, requires="calendar.manage", within="train")
def create_rotation(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    train: Annotated[Train | None, Field("Train")] = None,
    service: Annotated[Service | None, Field("Service")] = None,
    platform: Annotated[str, Field("Platform", help="E.g. messaging or identity.", max_length=120)] = "",
    time_zone: Annotated[
        str | None, Field("Time zone", help="In which hand-overs happen. Empty: the train's.")
    ] = None,
) -> OnCallRotation:
    """Set up who answers for a train, a service or a platform."""
    if sum((train is not None, service is not None, bool(platform.strip()))) != 1:
        refuse("on_call.of", "Give a train, a service or a platform: exactly one of them.", field="train")
    if OnCallRotation.objects.filter(name=name).exists():
        refuse("on_call.exists", f"There is a rotation {name}.", field="name")
    home = train or (service.train if service else None)
    zone = known_zone(time_zone) if time_zone else home.time_zone if home else "UTC"
    return OnCallRotation.objects.create(
        name=name, train=train, service=service, platform=platform.strip(), time_zone=zone
    )


@action("on_call_rotation.retire", on=OnCallRotation, requires="calendar.manage", danger=True)
def retire_rotation(actor: Actor, rotation: OnCallRotation, *, reason: Reason) -> OnCallRotation:
    """End a rotation: from now on nobody is asked through it."""
    _living(rotation)
    rotation.retired_at = now()
    rotation.save()
    return rotation


@action("on_call_rotation.add_layer", on=OnCallRotation, requires="calendar.manage", label="Add a layer")
def add_layer(
    actor: Actor,
    rotation: OnCallRotation,
    *,
    people: Annotated[list[str], Field("People", help="E-mail addresses, in the order of their turns.")],
    first_day: Annotated[date, Field("First day")],
    hand_over: Annotated[
        str, Field("Hand-over at", help="By the rotation's clock, e.g. 09:00.", max_length=5)
    ],
    turn_days: Annotated[int, Field("Days of a turn", min=1, max=LONGEST_TURN)] = 7,
    name: Annotated[str, Field("Name", max_length=80)] = "",
    from_time: Annotated[
        str | None, Field("From", help="Only from this time of day. Empty: around the clock.", max_length=5)
    ] = None,
    to_time: Annotated[str | None, Field("To", max_length=5)] = None,
) -> OnCallLayer:
    """Add people who take turns; this layer goes before those there are, in the hours that it covers."""
    _living(rotation)
    if not people:
        refuse("on_call.nobody", "Name at least one person.", field="people")
    if bool(from_time) != bool(to_time):
        refuse(
            "on_call.hours", "Give both times of day, or none.", field="to_time" if from_time else "from_time"
        )
    begins = clock(from_time, "from_time") if from_time else None
    finishes = clock(to_time, "to_time") if to_time else None
    if begins is not None and begins == finishes:
        refuse("on_call.hours", "The two times of day are the same.", field="to_time")
    last = rotation.layers.filter(removed_at__isnull=True).order_by("-number").first()
    layer = OnCallLayer.objects.create(
        rotation=rotation,
        number=last.number + 1 if last else 1,
        name=name,
        first_day=first_day,
        hand_over=clock(hand_over, "hand_over"),
        turn_days=turn_days,
        from_time=begins,
        to_time=finishes,
    )
    for position, email in enumerate(people, 1):
        OnCallTurn.objects.create(layer=layer, position=position, user=member(email, "people"))
    return layer


@action("on_call_layer.remove", on=OnCallLayer, requires="calendar.manage", danger=True)
def remove_layer(actor: Actor, layer: OnCallLayer, *, reason: Reason) -> OnCallLayer:
    """Take a layer out of its rotation."""
    if layer.removed_at:
        refuse("on_call.removed", f"{layer} is removed already.")
    layer.removed_at = now()
    layer.save()
    return layer


@action("on_call_rotation.override", on=OnCallRotation, requires="organization.view", label="Stand in")
def override(
    actor: Actor,
    rotation: OnCallRotation,
    *,
    person: Annotated[str, Field("Who stands in", help="E-mail address.", max_length=254)],
    starts: Annotated[datetime, Field("Starts")],
    ends: Annotated[datetime, Field("Ends")],
    reason: Annotated[str, Field("Reason", max_length=200)] = "",
) -> OnCallOverride:
    """Let somebody stand in for whoever it would be. Who is in the rotation can do so, and who manages it."""
    _living(rotation)
    _takes_part(actor, rotation)
    if ends <= starts:
        refuse("on_call.period", "The end lies before the start.", field="ends")
    if ends <= now():
        refuse("on_call.past", "The time is over already.", field="ends")
    return OnCallOverride.objects.create(
        rotation=rotation, user=member(person, "person"), starts=starts, ends=ends, reason=reason
    )


@action("on_call_override.cancel", on=OnCallOverride, requires="organization.view")
def cancel_override(actor: Actor, stand_in: OnCallOverride, *, reason: Reason) -> OnCallOverride:
    """Let the rotation's order stand again."""
    _takes_part(actor, stand_in.rotation)
    if stand_in.cancelled_at:
        refuse("on_call.cancelled", "This is cancelled already.")
    stand_in.cancelled_at = now()
    stand_in.save()
    return stand_in


@action(
    "on_call_rotation.hand_over",
    on=OnCallRotation,
    requires="organization.view",
    label="Write a hand-over note",
)
def hand_over(
    actor: Actor,
    rotation: OnCallRotation,
    *,
    text: Annotated[str, Field("What the next person must know", long=True, max_length=4000)],
) -> HandOverNote:
    """Leave a note for whoever comes next."""
    _living(rotation)
    _takes_part(actor, rotation)
    if actor.user_id is None:
        refuse("on_call.person", "Only a person writes a hand-over note.", status=403)
    return HandOverNote.objects.create(rotation=rotation, author_id=actor.user_id, text=text)


@action(
    "on_call_rotation.import_calendar",
    on=OnCallRotation,
    requires="calendar.manage",
    label="Import a calendar",
)
def import_calendar(
    actor: Actor,
    rotation: OnCallRotation,
    *,
    file: Annotated[Upload, Field("iCalendar file", help="Each event names its person as attendee.")],
) -> dict[str, Any]:
    """Take the shifts of an iCalendar file, a year ahead, as overrides; the same file again changes nothing."""
    _living(rotation)
    wanted = _shifts_in(file)
    present = {
        (o.external_id, o.starts): o
        for o in rotation.overrides.filter(cancelled_at__isnull=True).exclude(external_id="")
    }
    created = unchanged = changed = 0
    for uid, starts, ends, person in wanted:
        known = present.pop((uid, starts), None)
        if known and (known.ends, known.user_id) == (ends, person.pk):
            unchanged += 1
            continue
        if known:
            known.cancelled_at = now()
            known.save()
        changed, created = changed + bool(known), created + (not known)
        OnCallOverride.objects.create(
            rotation=rotation, user=person, starts=starts, ends=ends, external_id=uid, reason="imported"
        )
    return {"created": created, "changed": changed, "unchanged": unchanged}


def _shifts_in(file: Upload) -> list[tuple[str, datetime, datetime, Any]]:
    """The file's shifts of the next year; every fault is named with its event, and none is taken then."""
    import recurring_ical_events
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(file.content)
        moment = now()
        events = recurring_ical_events.of(calendar).between(moment, moment + AHEAD)
    except Exception as error:
        refuse("icalendar.invalid", f"This is no iCalendar file: {error}", field="file")
    if len(events) > MOST_EVENTS:
        refuse(
            "icalendar.many",
            f"The file has {len(events)} shifts; {MOST_EVENTS} can be imported.",
            field="file",
        )
    found, faults, people = [], [], {}
    for number, event in enumerate(events, 1):
        uid = str(event.get("UID", ""))[:255]
        named = f"Event {number} ({str(event.get('SUMMARY', ''))[:60] or uid})"
        attendee = event.get("ATTENDEE", "")
        email = str(attendee[0] if isinstance(attendee, list) else attendee)
        email = email[7:] if email.lower().startswith("mailto:") else email
        starts, ends = event.start, event.end
        if not isinstance(starts, datetime) or starts.tzinfo is None or ends is None or ends <= starts:
            faults.append(f"{named} has no start and end with a time zone.")
            continue
        if email not in people:
            try:
                people[email] = member(email, "file")
            except Refused:
                people[email] = None
        if people[email] is None:
            faults.append(f"{named} names {email or 'no attendee'}, who is not in this organization.")
            continue
        found.append((uid, starts.astimezone(UTC), ends.astimezone(UTC), people[email]))
    if faults:
        raise Refused(*[Refusal("icalendar.event", said, field="file", status=422) for said in faults[:20]])
    if not found:
        refuse("icalendar.empty", "The file has no shift within the next year.", field="file")
    return found


def _living(rotation: OnCallRotation) -> None:
    if rotation.retired_at:
        refuse("on_call.retired", f"{rotation} is retired.", blocked_by=Ref.of(rotation))


def _takes_part(actor: Actor, rotation: OnCallRotation) -> None:
    """Who takes turns in the rotation, or manages the calendar of what it is for."""
    turns = OnCallTurn.objects.filter(layer__rotation=rotation, layer__removed_at__isnull=True)
    if not turns.filter(user_id=actor.user_id).exists() and not actor.may("calendar.manage", rotation):
        refuse(
            "on_call.outside",
            f"You take no turn in {rotation}.",
            remedy="Ask who is on call, or who manages the calendar.",
            status=403,
        )
