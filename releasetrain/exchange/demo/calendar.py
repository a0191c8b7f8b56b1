"""The bank's calendar: slow members, vendors, closed periods, bookings, load, on-call, meetings over three zones."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from trains.actions import bookings, business_calendars, ceremonies, on_call, vendors, windows
from trains.models import BusinessCalendar, LoadLimit, RecurringWindow, Release, SharedResource, Vendor

if TYPE_CHECKING:
    from .bank import Bank

_LONDON = "Europe/London"
Kind = RecurringWindow.Kind


def build_calendar(bank: Bank) -> None:
    """Everything that stands on the calendar beside releases, freezes and milestones."""
    _windows(bank)
    _business(bank)
    _bookings(bank)
    _on_call(bank)
    meeting = ceremonies.create_ceremony(
        bank.rte, train=bank.payments, name="ART sync", minutes=30, every_weeks=1
    )
    ceremonies.schedule_ahead(bank.rte, meeting, dates=4)


def _next(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _windows(bank: Bank) -> None:
    slow, *others = bank.services.values()
    windows.create_window(
        bank.manager, kind=Kind.DEPLOYMENT, name=f"{slow.name}: nights of Tuesday and Thursday", service=slow,
        first_day=_next(bank.today, 1), at="22:00", minutes=240, rrule="FREQ=WEEKLY;BYDAY=TU,TH", time_zone=_LONDON,
    )  # fmt: skip
    windows.create_window(
        bank.manager, kind=Kind.MAINTENANCE, name="Production patches", environment=bank.environments["production"],
        first_day=_next(bank.today, 6), at="02:00", minutes=120, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=SU",
        time_zone=_LONDON,
    )  # fmt: skip
    vendor = vendors.create_vendor(
        bank.manager, name="Cardwire", kind=Vendor.Kind.SAAS, time_zone="America/New_York",
        description="Card scheme gateway.",
    )  # fmt: skip
    vendors.create_contact(
        bank.manager, vendor=vendor, name="Service desk", role="24×7", phone="+1 212 555 0142"
    )
    vendors.create_contract(
        bank.manager,
        vendor=vendor,
        reference="CW-2291",
        starts=bank.today - timedelta(days=300),
        notice_days=14,
    )
    vendors.create_vendor_service(bank.manager, vendor=vendor, service=others[0])
    windows.create_window(
        bank.manager, kind=Kind.VENDOR, name="Cardwire updates", vendor=vendor, first_day=_next(bank.today, 2),
        at="01:00", minutes=180, rrule="FREQ=WEEKLY;BYDAY=WE",
    )  # fmt: skip


def _business(bank: Bank) -> None:
    business_calendars.create_calendar(
        bank.manager, name="England", kind=BusinessCalendar.Kind.HOLIDAYS, country="GB", subdivision="ENG",
        time_zone=_LONDON,
    )  # fmt: skip
    fiscal = business_calendars.create_calendar(
        bank.manager, name="Quarter close", kind=BusinessCalendar.Kind.FISCAL, time_zone=_LONDON
    )
    business_calendars.create_period(
        bank.manager, calendar=fiscal, name="Books close", first_day=date(bank.today.year, 3, 29), days=4,
        rrule="FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=29",
    )  # fmt: skip


def _bookings(bank: Bank) -> None:
    lab = bookings.create_resource(
        bank.manager, name="Scheme simulator", kind=SharedResource.Kind.ENVIRONMENT,
        description="The card schemes' test environment; one release at a time.",
    )  # fmt: skip
    bookings.create_resource(bank.manager, name="Test phones", kind=SharedResource.Kind.DEVICE, capacity=6)
    starts = datetime.combine(bank.today + timedelta(days=4), time(8), tzinfo=now().tzinfo)
    ahead = [r for r in Release.objects.order_by("created_at") if r.is_open and not r.released_at]
    for release in ahead[:3]:
        bookings.create_booking(
            bank.manager, resource=lab, release=release, starts=starts, ends=starts + timedelta(days=2),
            purpose="Certification run", queue=True,
        )  # fmt: skip
    windows.create_limit(bank.rte, kind=LoadLimit.Kind.DESK, name="Branch support desk", weekly=4)


def _on_call(bank: Bank) -> None:
    people = [bank.cast.user(role).email for role in (Role.RELEASE_MANAGER, Role.PROBLEM_MANAGER, Role.RTE)]
    rotation = on_call.create_rotation(bank.manager, name="Payments on call", train=bank.payments)
    on_call.add_layer(
        bank.manager,
        rotation,
        people=people,
        first_day=_next(bank.today, 0) - timedelta(days=21),
        hand_over="09:00",
    )
    on_call.hand_over(
        bank.manager, rotation, text="Settlement queue was slow on Friday; the runbook has the query."
    )
