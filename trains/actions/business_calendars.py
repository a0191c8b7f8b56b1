"""Verbs of business calendars: public holidays, fiscal closes, regulatory periods."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import BusinessCalendar, ClosedPeriod, Train
from trains.models.business_calendar import LONGEST_DAYS
from trains.queries.closed_days import unknown_country

from .trains import known_zone
from .windows import known_rule

Reason = Annotated[str, Field("Reason", long=True)]


@action("business_calendar.create", creates=BusinessCalendar, requires="calendar.manage", within="train")
def create_calendar(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    kind: BusinessCalendar.Kind,
    train: Annotated[Train | None, Field("Train", help="Empty: all trains.")] = None,
    time_zone: Annotated[str, Field("Time zone", help="In which its days begin and end.")] = "UTC",
    country: Annotated[str, Field("Country", help="ISO 3166 code, for public holidays.", max_length=2)] = "",
    subdivision: Annotated[str, Field("Subdivision", help="E.g. ENG or CA.", max_length=8)] = "",
) -> BusinessCalendar:
    """Set up days on which the business wants no change. Public holidays need no further entry."""
    if BusinessCalendar.objects.filter(name=name).exists():
        refuse("business_calendar.exists", f"There is a calendar {name}.", field="name")
    country, subdivision = country.strip().upper(), subdivision.strip().upper()
    if (kind == BusinessCalendar.Kind.HOLIDAYS) != bool(country):
        refuse(
            "business_calendar.country", "Public holidays, and only they, are of a country.", field="country"
        )
    wrong = unknown_country(country, subdivision) if country else ""
    if wrong:
        refuse(
            "business_calendar.country",
            wrong,
            field="subdivision" if subdivision in wrong and subdivision else "country",
        )
    return BusinessCalendar.objects.create(
        name=name,
        kind=kind,
        train=train,
        time_zone=known_zone(time_zone),
        country=country,
        subdivision=subdivision,
    )


@action("business_calendar.retire", on=BusinessCalendar, requires="calendar.manage", danger=True)
def retire_calendar(actor: Actor, calendar: BusinessCalendar, *, reason: Reason) -> BusinessCalendar:
    """Take a calendar out of use; its days no longer collide with anything."""
    if calendar.retired_at:
        refuse("business_calendar.retired", f"{calendar} is retired already.")
    calendar.retired_at = now()
    calendar.save()
    return calendar


@action("closed_period.create", creates=ClosedPeriod, requires="calendar.manage", within="calendar")
def create_period(
    actor: Actor,
    *,
    calendar: Annotated[BusinessCalendar, Field("Calendar")],
    name: Annotated[str, Field("Name", max_length=120)],
    first_day: Annotated[date, Field("First day")],
    days: Annotated[int, Field("Days", min=1, max=LONGEST_DAYS)] = 1,
    rrule: Annotated[
        str,
        Field("RRULE", help="Empty: once. E.g. FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=28.", max_length=300),
    ] = "",
) -> ClosedPeriod:
    """Close days of a calendar, once or each time a rule says so."""
    if calendar.kind == BusinessCalendar.Kind.HOLIDAYS:
        refuse("closed_period.holidays", f"{calendar} takes its days from its country.", field="calendar")
    if calendar.retired_at:
        refuse("business_calendar.retired", f"{calendar} is retired.", field="calendar")
    rule = known_rule(rrule, datetime.combine(first_day, time.min)) if rrule.strip() else ""
    return ClosedPeriod.objects.create(
        calendar=calendar, name=name, first_day=first_day, days=days, rrule=rule
    )


@action("closed_period.remove", on=ClosedPeriod, requires="calendar.manage", danger=True)
def remove_period(actor: Actor, period: ClosedPeriod, *, reason: Reason) -> ClosedPeriod:
    """Open the days again."""
    if period.removed_at:
        refuse("closed_period.removed", f"{period} is removed already.")
    period.removed_at = now()
    period.save()
    return period
