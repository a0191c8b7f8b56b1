"""Verbs of schedules: packages about each past month or quarter, made by rule when it is over."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from governance.actions.evidence import scheduled_package
from governance.models import Control, EvidencePackage, PackageSchedule
from governance.rules import periods
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization

# A schedule that begins long ago catches up in steps.
MOST_AT_ONCE = 24

explain_constraint("package_schedule_name_once", "Another schedule has this name.")


@action(
    "package_schedule.create", creates=PackageSchedule, requires="evidence.build", label="Schedule packages"
)
def create_schedule(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    every: Annotated[PackageSchedule.Every, Field("Every")] = PackageSchedule.Every.QUARTER,
    control: Annotated[
        Control | None, Field("About the control", help="Empty: everything that happened in the period.")
    ] = None,
    begins: Annotated[
        datetime | None, Field("Beginning", help="Empty: now. Periods that ended before are not packed.")
    ] = None,
) -> PackageSchedule:
    """Have a package made about each period when it is over."""
    if not actor.may("evidence.build"):
        refuse("permission.missing", "A schedule needs evidence.build in the whole organization.", status=403)
    if PackageSchedule.objects.filter(name=name.strip()).exists():
        refuse("schedule.exists", f"A schedule {name.strip()} exists.", field="name")
    begins = begins or now()
    if begins > now():
        refuse("schedule.future", "A schedule begins now or in the past.", field="begins")
    return PackageSchedule.objects.create(
        name=name.strip(),
        every=every,
        about_kind="control" if control else "",
        about_id=control.pk if control else None,
        about_label=str(control)[:200] if control else "",
        begins=begins,
    )


@action("package_schedule.pause", on=PackageSchedule, requires="evidence.build")
def pause_schedule(actor: Actor, schedule: PackageSchedule) -> PackageSchedule:
    """Stop making packages."""
    if schedule.paused_at:
        refuse("schedule.paused", f"{schedule} is paused already.")
    schedule.paused_at = now()
    schedule.save()
    return schedule


@action("package_schedule.resume", on=PackageSchedule, requires="evidence.build")
def resume_schedule(actor: Actor, schedule: PackageSchedule) -> PackageSchedule:
    """Make packages again, those of the periods missed in between too."""
    if not schedule.paused_at:
        refuse("schedule.active", f"{schedule} is not paused.")
    schedule.paused_at = None
    schedule.save()
    return schedule


def pack_due(actor: Actor) -> list[EvidencePackage]:
    """Queue a package for every period that is over and has none; twice at once does no harm."""
    zone = ZoneInfo(Organization.objects.get(pk=actor.organization_id).time_zone)
    made = []
    for schedule in PackageSchedule.objects.select_for_update().filter(paused_at__isnull=True):
        since = schedule.packed_until or schedule.begins
        for starts, ends in list(periods.over(schedule.every, since, now(), zone))[:MOST_AT_ONCE]:
            package = scheduled_package(actor, schedule, starts, ends)
            if package is not None:
                made.append(package)
            schedule.packed_until = ends
        if schedule.packed_until != since and schedule.packed_until is not None:
            schedule.save()
    return made
