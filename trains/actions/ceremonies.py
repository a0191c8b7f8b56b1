"""Verbs of working hours and ceremonies."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Team, Train, TrainMeeting, TrainMeetingParty, TrainMeetingSlot, WorkingHours
from trains.queries.ceremonies import plan_ahead

from .people import member
from .trains import known_zone
from .windows import clock

Reason = Annotated[str, Field("Reason", long=True)]
_AT = "By the wall clock of the zone, e.g. 09:00."


@action("working_hours.set", creates=WorkingHours, requires="organization.view", within="team")
def set_hours(
    actor: Actor,
    *,
    team: Annotated[Team | None, Field("Team", help="Empty: your own hours.")] = None,
    begins: Annotated[str, Field("Begins", help=_AT, max_length=5)] = "09:00",
    finishes: Annotated[str, Field("Finishes", help=_AT, max_length=5)] = "17:00",
    days: Annotated[str, Field("Days", help="Digits, 1 is Monday: 12345.", max_length=7)] = "12345",
    time_zone: Annotated[str | None, Field("Time zone", help="Empty: the team's or your own.")] = None,
) -> WorkingHours:
    """Say when a team works, or when you work."""
    if team is not None and not actor.may("trains.manage", team):
        refuse("working_hours.team", f"Who manages trains sets the hours of {team}.", status=403)
    if team is None and (actor.user_id is None or actor.kind != "person"):
        refuse("working_hours.person", "Name a team; only a person has hours of their own.", field="team")
    first, last = clock(begins, "begins"), clock(finishes, "finishes")
    if last <= first:
        refuse("working_hours.period", "The day finishes before it begins.", field="finishes")
    if not days or not set(days) <= set("1234567") or len(set(days)) != len(days):
        refuse("working_hours.days", "Give each day once, 1 for Monday to 7 for Sunday.", field="days")
    mine = (
        WorkingHours.objects.filter(team=team) if team else WorkingHours.objects.filter(user_id=actor.user_id)
    )
    hours = mine.first() or WorkingHours(team=team, user_id=None if team else actor.user_id)
    own = team.time_zone if team else hours.user.time_zone if hours.user else "UTC"
    hours.time_zone = known_zone(time_zone) if time_zone else own
    hours.begins, hours.finishes, hours.days = first, last, "".join(sorted(days))
    hours.save()
    return hours


@action("train_meeting.create", creates=TrainMeeting, requires="trains.manage", within="train")
def create_ceremony(
    actor: Actor,
    *,
    train: Train,
    name: Annotated[str, Field("Name", max_length=120)],
    minutes: Annotated[int, Field("Minutes", min=15, max=480)] = 60,
    every_weeks: Annotated[int, Field("Every so many weeks", min=1, max=26)] = 2,
    people: Annotated[
        list[str] | None, Field("People", help="E-mail addresses; the train's teams always count.")
    ] = None,
) -> TrainMeeting:
    """Set up a meeting of a train that recurs."""
    if TrainMeeting.objects.filter(train=train, name=name).exists():
        refuse("ceremony.exists", f"{train} has a ceremony {name}.", field="name")
    ceremony = TrainMeeting.objects.create(train=train, name=name, minutes=minutes, every_weeks=every_weeks)
    for user in {u.pk: u for u in (member(email, "people") for email in people or [])}.values():
        TrainMeetingParty.objects.create(ceremony=ceremony, user=user)
    return ceremony


@action("train_meeting.schedule", on=TrainMeeting, requires="trains.manage")
def schedule_ceremony(
    actor: Actor, ceremony: TrainMeeting, *, starts: Annotated[datetime, Field("Starts")]
) -> TrainMeetingSlot:
    """Put one date of a ceremony on the calendar."""
    _living(ceremony)
    if starts <= now():
        refuse("ceremony.past", "This moment is past.", field="starts")
    ends = starts + timedelta(minutes=ceremony.minutes)
    other = ceremony.slots.filter(cancelled_at__isnull=True, starts__lt=ends, ends__gt=starts).first()
    if other:
        refuse(
            "ceremony.taken",
            f"It stands on the calendar for {other.starts:%Y-%m-%d %H:%M} UTC.",
            field="starts",
        )
    return TrainMeetingSlot.objects.create(ceremony=ceremony, starts=starts, ends=ends)


@action("train_meeting.schedule_ahead", on=TrainMeeting, requires="trains.manage", label="Schedule ahead")
def schedule_ahead(
    actor: Actor, ceremony: TrainMeeting, *, dates: Annotated[int, Field("Dates", min=1, max=26)] = 6
) -> TrainMeeting:
    """Put the next dates on the calendar at the best times, the pain of the zones going round."""
    _living(ceremony)
    for proposal in plan_ahead(ceremony, dates):
        TrainMeetingSlot.objects.create(
            ceremony=ceremony, starts=proposal.slot.starts, ends=proposal.slot.ends
        )
    return ceremony


@action("train_meeting.retire", on=TrainMeeting, requires="trains.manage", danger=True)
def retire_ceremony(actor: Actor, ceremony: TrainMeeting, *, reason: Reason) -> TrainMeeting:
    """End a ceremony and take its further dates off the calendar."""
    _living(ceremony)
    ceremony.retired_at = now()
    ceremony.save()
    for slot in ceremony.slots.filter(cancelled_at__isnull=True, starts__gt=now()):
        slot.cancelled_at = now()
        slot.save()
    return ceremony


@action("train_meeting_slot.cancel", on=TrainMeetingSlot, requires="trains.manage")
def cancel_slot(actor: Actor, slot: TrainMeetingSlot, *, reason: Reason) -> TrainMeetingSlot:
    """Take one date off the calendar."""
    if slot.cancelled_at:
        refuse("ceremony.cancelled", "This date is cancelled already.")
    slot.cancelled_at = now()
    slot.save()
    return slot


def _living(ceremony: TrainMeeting) -> None:
    if ceremony.retired_at:
        refuse("ceremony.retired", f"{ceremony} is retired.", remedy="Set up a new one.")
