"""Sending scheduled reports: the dashboard of each period that is over, as files of a mail to members."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext

from governance.pages.csv_file import csv_text
from governance.rules import periods
from metrics.actions.schedules import members_at
from metrics.asking import Question, question_from
from metrics.dashboards import Dashboard, found_dashboard
from metrics.models import ReportSchedule
from metrics.presenting.data import as_data
from metrics.presenting.printing import printed
from metrics.presenting.spreadsheet import FIGURES, parts, sheet
from releasetrain.interface import formats
from releasetrain.interface.addressing import choice_of, written_to
from releasetrain.interface.wording import said, told
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.models import Organization

# A schedule that begins long ago catches up in steps.
MOST_AT_ONCE = 6
Attached = list[tuple[str, bytes, str]]
_TYPES = {"pdf": "application/pdf", "png": "image/png"}


def due(organization: Organization) -> list[uuid.UUID]:
    """The schedules of the scope's organization with a period that is over and was not sent."""
    zone = ZoneInfo(organization.time_zone)
    return [
        schedule.pk
        for schedule in ReportSchedule.objects.filter(paused_at__isnull=True)
        if next(periods.over(schedule.every, schedule.sent_until or schedule.begins, now(), zone), None)
    ]


def send(organization: Organization, schedule_id: uuid.UUID) -> int:
    """Send what one schedule owes; returns how many mails left.

    A mail is sent before its schedule says so: after a crash between the two it is sent again rather than never. A
    mail server that is away is said and tried again.
    """
    schedule = ReportSchedule.objects.select_for_update(skip_locked=True).filter(pk=schedule_id).first()
    if schedule is None or schedule.paused_at:
        return 0
    since, sent = schedule.sent_until or schedule.begins, 0
    owed = periods.over(schedule.every, since, now(), ZoneInfo(organization.time_zone))
    for starts, ends in islice(owed, MOST_AT_ONCE):
        try:
            schedule.told = _send(schedule, starts, ends, organization)
        except OSError as error:
            schedule.told = f"The mail server did not take it: {error}"[:300]
            schedule.save()
            return sent
        schedule.sent_until = ends
        schedule.save()
        sent += 1
    return sent


def _send(schedule: ReportSchedule, starts: datetime, ends: datetime, organization: Organization) -> str:
    """Send one period's report; returns what became of it, in a sentence."""
    dashboard = found_dashboard(schedule.dashboard)
    to = members_at(schedule.recipients)
    if dashboard is None:
        return f"There is no dashboard {schedule.dashboard} any more."
    if not to:
        return "None of the recipients is a member any more."
    days = {"from": starts.date().isoformat(), "until": (ends - timedelta(days=1)).date().isoformat()}
    try:
        question = question_from(
            {**schedule.question, **days}, organization.time_zone, dashboard.options, dashboard.days
        )
        files, lines = compose(dashboard, question, schedule.form, organization.name)
    except Refused as refused:
        return f"Not sent: {refused}"[:300]
    for people in _by_language(to, organization):
        with written_to(people[0], organization):
            _mail(schedule, dashboard, (starts.date(), (ends - timedelta(days=1)).date()), organization, people,
                  files, lines)  # fmt: skip
    return f"Sent {days['from']} to {days['until']} to {len(to)} of {len(schedule.recipients)} recipients."


def _by_language(people: list[Any], organization: Organization) -> list[list[Any]]:
    """One mail for all who read the same language and region."""

    def key(person: Any) -> str:
        return str(choice_of(person, organization))

    return [list(each) for _, each in groupby(sorted(people, key=key), key)]


def _mail(
    schedule: ReportSchedule,
    dashboard: Dashboard,
    days: tuple[date, date],
    organization: Organization,
    people: list[Any],
    files: Attached,
    lines: list[str],
) -> None:
    subject = gettext("%(organization)s: %(report)s, %(first)s to %(last)s") % {
        "organization": organization.name,
        "report": said(dashboard.title),
        "first": formats.full_day(days[0]),
        "last": formats.full_day(days[1]),
    }
    by = gettext("Sent by the schedule “%(name)s”.") % {"name": schedule.name}
    body = "\n".join(told(line) for line in lines)
    EmailMessage(
        subject.replace(formats.FIXED, " "),
        f"{body}\n\n{by}\n",
        settings.DEFAULT_FROM_EMAIL,
        bcc=[person.email.lower() for person in people],
        attachments=files,
    ).send()


def compose(
    dashboard: Dashboard, question: Question, form: str, organization: str
) -> tuple[Attached, list[str]]:
    """The files of a report, and the lines of its mail."""
    answer = dashboard.answer(question)
    stem = f"{dashboard.name}-{question.first}-{question.last}"
    if form == "csv":
        files = [
            (
                f"{stem}{'' if part == FIGURES else f'-{part}'}.csv",
                csv_text(*sheet(dashboard, answer, part)).encode(),
                "text/csv",
            )
            for part in parts(answer)
        ]
    elif form == "json":
        data = json.dumps(plain(as_data(dashboard, question, answer)), indent=1).encode()
        files = [(f"{stem}.json", data, "application/json")]
    else:
        content = printed(dashboard, question, answer, organization, form)  # type: ignore[arg-type]
        files = [(f"{stem}.{form}", content, _TYPES[form])]
    lines = [f"{f.title}: {' '.join(f.said).strip()}" for f in answer.figures]
    return files, [dashboard.about, "", *(lines or [answer.empty])]
