"""Verbs of recurring windows, of the services a release will deploy, and of where it may land."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import (
    AllowedWindow,
    Environment,
    LoadLimit,
    RecurringWindow,
    Release,
    ReleaseMember,
    Service,
    Team,
    Train,
    Vendor,
)
from trains.models.window import LONGEST_MINUTES
from trains.queries.windows import landing_of
from trains.rules import recurrence
from trains.states import RELEASE_STATES

from .releases import edit_release
from .trains import known_zone

Reason = Annotated[str, Field("Reason", long=True)]
Kind = RecurringWindow.Kind
Clock = Field("At", help="By the wall clock of the zone, e.g. 22:00.", max_length=5)
Rule = Field("RRULE", help="RFC 5545, e.g. FREQ=MONTHLY;BYDAY=-1SA or FREQ=YEARLY.", max_length=300)

explain_constraint("release_member_once", "The release contains this service already.")


def clock(text: str, field: str) -> time:
    """A time of day as people write it, hh:mm."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text.strip())
    if match is None:
        refuse("time.invalid", f"{text} is not a time of day.", remedy="Write it as 22:00.", field=field)
    return time(int(match[1]), int(match[2]))


def known_rule(text: str, first: datetime, field: str = "rrule") -> str:
    """The rule as it is kept, or a refusal that says what is wrong with it."""
    rule = recurrence.normalized(text)
    wrong = recurrence.fault(rule, first)
    if wrong:
        refuse("rrule.invalid", wrong, remedy="See RFC 5545, section 3.3.10.", field=field)
    return rule


@action("window.create", creates=RecurringWindow, requires="calendar.manage")
def create_window(
    actor: Actor,
    *,
    kind: Kind,
    name: Annotated[str, Field("Name", max_length=120)],
    first_day: Annotated[date, Field("First day")],
    at: Annotated[str, Clock],
    minutes: Annotated[int, Field("Minutes", min=1, max=LONGEST_MINUTES)],
    rrule: Annotated[str, Rule],
    service: Annotated[Service | None, Field("Service", help="For a deployment window.")] = None,
    vendor: Annotated[Vendor | None, Field("Vendor", help="For a vendor's update window.")] = None,
    environment: Annotated[Environment | None, Field("Environment", help="For maintenance.")] = None,
    time_zone: Annotated[str | None, Field("Time zone", help="Empty: the vendor's or the train's.")] = None,
) -> RecurringWindow:
    """Set a window that recurs: of a service's deployments, of a vendor's updates, of an environment's maintenance."""
    wanted = {Kind.DEPLOYMENT: "service", Kind.VENDOR: "vendor", Kind.MAINTENANCE: "environment"}[kind]
    given = {"service": service, "vendor": vendor, "environment": environment}
    for field, value in given.items():
        if (field == wanted) != (value is not None):
            needs = "needs" if field == wanted else "has no"
            refuse("window.of", f"A window of this kind {needs} {field}.", field=field)
    first = datetime.combine(first_day, clock(at, "at"))
    home = vendor.time_zone if vendor else None
    train = service.train if service else environment.train if environment else None
    zone = known_zone(time_zone) if time_zone else home or (train.time_zone if train else "UTC")
    return RecurringWindow.objects.create(
        kind=kind,
        name=name,
        first_day=first_day,
        first_time=first.time(),
        minutes=minutes,
        rrule=known_rule(rrule, first),
        time_zone=zone,
        **given,
    )


@action("window.edit", on=RecurringWindow, requires="calendar.manage")
def edit_window(
    actor: Actor,
    window: RecurringWindow,
    *,
    name: Annotated[str | None, Field("Name", max_length=120)] = None,
    first_day: Annotated[date | None, Field("First day")] = None,
    at: Annotated[str | None, Clock] = None,
    minutes: Annotated[int | None, Field("Minutes", min=1, max=LONGEST_MINUTES)] = None,
    rrule: Annotated[str | None, Rule] = None,
    time_zone: Annotated[str | None, Field("Time zone")] = None,
) -> RecurringWindow:
    """Change when a window comes; what is left empty stays."""
    _living(window)
    window.name = name or window.name
    window.first_day = first_day or window.first_day
    window.first_time = clock(at, "at") if at else window.first_time
    window.minutes = minutes or window.minutes
    window.time_zone = known_zone(time_zone) if time_zone else window.time_zone
    window.rrule = known_rule(rrule or window.rrule, datetime.combine(window.first_day, window.first_time))
    window.save()
    return window


@action("window.retire", on=RecurringWindow, requires="calendar.manage", danger=True)
def retire_window(actor: Actor, window: RecurringWindow, *, reason: Reason) -> RecurringWindow:
    """End a window: it comes no more."""
    _living(window)
    window.retired_at = now()
    window.save()
    return window


def _living(window: RecurringWindow) -> None:
    if window.retired_at:
        refuse("window.retired", f"{window} is retired.", remedy="Set a new window.")


@action("release_member.create", creates=ReleaseMember, requires="releases.manage", within="release")
def create_member(actor: Actor, *, release: Release, service: Service) -> ReleaseMember:
    """Say that a release will deploy a service, before its build is there."""
    if not release.is_open:
        refuse("release.over", f"{release} is {release.get_state_display().lower()}.", field="release")
    if ReleaseMember.objects.filter(release=release, service=service, removed_at__isnull=True).exists():
        refuse("release_member.exists", f"{release} contains {service} already.", field="service")
    return ReleaseMember.objects.create(release=release, service=service)


@action("release_member.remove", on=ReleaseMember, requires="releases.manage")
def remove_member(actor: Actor, member: ReleaseMember, *, reason: Reason) -> ReleaseMember:
    """Take a service out of what a release will deploy."""
    if member.removed_at:
        refuse("release_member.removed", f"{member} was removed already.")
    member.removed_at = now()
    member.save()
    return member


@action(
    "release.plan_window",
    on=Release,
    requires="releases.manage",
    machine=RELEASE_STATES,
    label="Find a window",
)
def plan_into_window(
    actor: Actor,
    release: Release,
    *,
    minutes: Annotated[int, Field("Minutes needed", min=1, max=LONGEST_MINUTES)] = 60,
    not_before: Annotated[datetime | None, Field("Not before", help="Empty: from now on.")] = None,
) -> Release:
    """Set the target to the next window that satisfies all services of the release and meets no freeze."""
    after = max(not_before or now(), now())
    found = landing_of(release, after=after, length=timedelta(minutes=minutes))
    if found.slot is None:
        refuse(
            "release.no_window",
            found.impossible,
            remedy=f"Give {found.member or 'a member'} another window, or take it out of the release.",
        )
    return edit_release(actor, release, target_at=found.slot.starts)


@action("allowed_window.set", creates=AllowedWindow, requires="releases.manage", within="release")
def set_allowed_window(
    actor: Actor,
    *,
    release: Release,
    earliest: Annotated[datetime, Field("Earliest")],
    latest: Annotated[datetime, Field("Latest")],
    reason: Annotated[str, Field("Reason", max_length=300)] = "",
) -> AllowedWindow:
    """Say between which moments the target of a release may be moved; the sequencer never leaves it."""
    if latest <= earliest:
        refuse("allowed_window.period", "The latest moment lies before the earliest.", field="latest")
    window = AllowedWindow.objects.filter(release=release).first() or AllowedWindow(release=release)
    window.earliest, window.latest, window.reason = earliest, latest, reason
    window.save()
    return window


@action("load_limit.create", creates=LoadLimit, requires="trains.manage")
def create_limit(
    actor: Actor,
    *,
    kind: LoadLimit.Kind,
    name: Annotated[str, Field("Name", max_length=120)],
    weekly: Annotated[
        int, Field("Load a week", help="A release of tier 1 loads with 4, of tier 4 with 1.", min=1, max=1000)
    ],
    service: Annotated[Service | None, Field("Service", help="For a shared service.")] = None,
    team: Annotated[Team | None, Field("Team", help="For a team.")] = None,
    train: Annotated[Train | None, Field("Train", help="For a desk of one train; empty: of all.")] = None,
) -> LoadLimit:
    """Say how much release load a shared service, a team or a support desk takes in a week."""
    wanted = {LoadLimit.Kind.SERVICE: "service", LoadLimit.Kind.TEAM: "team", LoadLimit.Kind.DESK: ""}[kind]
    given = {"service": service, "team": team}
    for field, value in given.items():
        if (field == wanted) != (value is not None):
            needs = "needs" if field == wanted else "has no"
            refuse("load_limit.of", f"A limit of this kind {needs} {field}.", field=field)
    if train is not None and kind != LoadLimit.Kind.DESK:
        refuse("load_limit.of", "Only a desk names its train.", field="train")
    if LoadLimit.objects.filter(name=name).exists():
        refuse("load_limit.exists", f"There is a limit {name}.", field="name")
    return LoadLimit.objects.create(kind=kind, name=name, weekly=weekly, train=train, **given)


@action("load_limit.edit", on=LoadLimit, requires="trains.manage")
def edit_limit(
    actor: Actor, limit: LoadLimit, *, weekly: Annotated[int, Field("Load a week", min=1, max=1000)]
) -> LoadLimit:
    """Change how much a week may carry."""
    limit.weekly = weekly
    limit.save()
    return limit
