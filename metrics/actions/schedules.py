"""Verbs of scheduled reports: a dashboard about each past period, sent to members when the period is over."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from metrics.asking import question_from
from metrics.dashboards import found_dashboard
from metrics.models import ReportSchedule
from releasetrain.accounts.models import Membership
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope

MOST_RECIPIENTS = 50
explain_constraint("report_schedule_name_once", "Another scheduled report has this name.")


@action(
    "report_schedule.create", creates=ReportSchedule, requires="metrics.manage", label="Schedule a report"
)
def create_schedule(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    dashboard: Annotated[
        str, Field("Dashboard", max_length=42, help="As in its address: delivery, health …")
    ],
    recipients: Annotated[list[str], Field("Recipients", help="E-mail addresses of members, one a line.")],
    every: Annotated[ReportSchedule.Every, Field("Every")] = ReportSchedule.Every.MONTH,
    form: Annotated[ReportSchedule.Form, Field("As")] = ReportSchedule.Form.PDF,
    question: Annotated[
        dict[str, Any] | None,
        Field("Filters and options", help='JSON like {"train": "…", "year": "2024"}; the period is added.'),
    ] = None,
    begins: Annotated[
        datetime | None, Field("Beginning", help="Empty: now. Periods that ended before are not sent.")
    ] = None,
) -> ReportSchedule:
    """Send a dashboard to members when each week, month, quarter or year is over."""
    if not actor.may("metrics.manage"):
        refuse("permission.missing", "A schedule needs metrics.manage in the whole organization.", status=403)
    name = name.strip()
    if not name:
        refuse("schedule.name", "A schedule needs a name.", field="name", status=422)
    if ReportSchedule.objects.filter(name=name).exists():
        refuse("schedule.exists", f"A scheduled report {name} exists.", field="name")
    begins = begins or now()
    if begins > now():
        refuse("schedule.future", "A schedule begins now or in the past.", field="begins")
    return ReportSchedule.objects.create(
        name=name, dashboard=_known(dashboard), recipients=_members(recipients), every=every, form=form,
        question=_sensible(dashboard, question or {}, actor), begins=begins,
    )  # fmt: skip


@action("report_schedule.readdress", on=ReportSchedule, requires="metrics.manage", label="Change recipients")
def readdress(
    actor: Actor,
    schedule: ReportSchedule,
    *,
    recipients: Annotated[list[str], Field("Recipients", help="E-mail addresses of members, one a line.")],
) -> ReportSchedule:
    """Send the report to other members."""
    schedule.recipients = _members(recipients)
    schedule.save()
    return schedule


@action("report_schedule.pause", on=ReportSchedule, requires="metrics.manage")
def pause_schedule(actor: Actor, schedule: ReportSchedule) -> ReportSchedule:
    """Stop sending the report."""
    if schedule.paused_at:
        refuse("schedule.paused", f"{schedule} is paused already.")
    schedule.paused_at = now()
    schedule.save()
    return schedule


@action("report_schedule.resume", on=ReportSchedule, requires="metrics.manage")
def resume_schedule(actor: Actor, schedule: ReportSchedule) -> ReportSchedule:
    """Send the report again, from the next period that ends."""
    if not schedule.paused_at:
        refuse("schedule.active", f"{schedule} is not paused.")
    schedule.paused_at = None
    schedule.sent_until = max(schedule.sent_until or schedule.begins, now())
    schedule.save()
    return schedule


def _known(dashboard: str) -> str:
    if found_dashboard(dashboard) is None:
        refuse(
            "schedule.dashboard", f"There is no dashboard {dashboard[:42]}.", field="dashboard", status=422
        )
    return dashboard


def _sensible(dashboard: str, given: dict[str, Any], actor: Actor) -> dict[str, str]:
    """The filters and options, once they are known to make sense."""
    found = found_dashboard(dashboard)
    known = (
        {*(found.filters if found else ()), *(o.name for o in found.options if found), "bucket"}
        if found
        else set()
    )
    if unknown := sorted(set(map(str, given)) - known):
        refuse(
            "schedule.option", f"This dashboard is not asked about {unknown[0][:40]}.", field="question", status=422,
            remedy=f"Known: {', '.join(sorted(known))}.",
        )  # fmt: skip
    asked = {str(name): str(value)[:80] for name, value in given.items()}
    zone = Organization.objects.get(pk=actor.organization_id).time_zone
    question_from(
        {k: v for k, v in asked.items() if isinstance(v, str)}, zone, found.options if found else ()
    )
    return asked


def _members(recipients: list[str]) -> list[str]:
    """The addresses, all of them members'."""
    wanted = sorted({str(each).strip().lower() for each in recipients if str(each).strip()})
    if not wanted:
        refuse(
            "schedule.recipients",
            "Name at least one member by e-mail address.",
            field="recipients",
            status=422,
        )
    if len(wanted) > MOST_RECIPIENTS:
        refuse(
            "schedule.recipients", f"At most {MOST_RECIPIENTS} recipients.", field="recipients", status=422
        )
    strangers = sorted(set(wanted) - set(addresses_of_members(wanted)))
    if strangers:
        refuse(
            "schedule.stranger", f"{strangers[0][:120]} is no member's address.", field="recipients", status=422,
            remedy="Reports are sent to members of the organization only.",
        )  # fmt: skip
    return wanted


def members_at(wanted: list[str]) -> list[Any]:
    """The people behind those of the addresses that belong to members who have access now."""
    found = Membership.objects.filter(
        organization_id=require_scope().organization_id,
        suspended_at__isnull=True,
        user__is_active=True,
        user__email__in=wanted,
    ).select_related("user")
    people = {each.user.email.lower(): each.user for each in found}
    return [people[email] for email in sorted(people)]


def addresses_of_members(wanted: list[str]) -> list[str]:
    """The addresses among them that belong to members who have access now."""
    return [user.email.lower() for user in members_at(wanted)]
