"""Scheduled reports: each period that is over is sent once to members; declared changes are said and withdrawn."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.core import mail

from metrics import sending
from metrics.models import ReportSchedule
from releasetrain.accounts.models import Membership
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from tests.metrics.test_pages import busy  # noqa: F401 - a fixture

API = "/api/v1/orgs/northwind"
SCHEDULES = f"{API}/report-schedules"


def address(cast: Any, role: str) -> str:
    return Membership.objects.get(user_id=cast[role].user_id, organization=cast.organization).user.email


def schedule(cast: Any, api: Any, **more: Any) -> Any:
    asked = {"name": "Monthly", "dashboard": "delivery", "recipients": [address(cast, "executive")], **more}
    return api("owner").post(SCHEDULES, asked, format="json")


def sent(cast: Any) -> int:
    with tenant_scope(cast.organization.pk, cast["owner"]):
        return sum(sending.send(cast.organization, pk) for pk in sending.due(cast.organization))


@pytest.mark.django_db
def test_each_period_that_is_over_is_sent_once(busy: Any, cast: Any, api: Any) -> None:  # noqa: F811
    begins = (now() - timedelta(days=62)).isoformat()
    assert schedule(cast, api, form="csv", every="month", begins=begins).status_code == 201
    assert 1 <= sent(cast) <= 3
    assert sent(cast) == 0
    message = mail.outbox[-1]
    assert message.bcc == [address(cast, "executive")]
    assert "Deployment frequency" in message.body
    name, content, _ = message.attachments[0]
    assert name.startswith("delivery-") and name.endswith(".csv")
    text = content if isinstance(content, str) else content.decode()
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert {row["name"] for row in rows} >= {"deployment_frequency", "change_fail_rate"}
    count = len(mail.outbox)
    with time_machine.travel(now() + timedelta(days=32), tick=True):
        assert sent(cast) in (1, 2)
    assert len(mail.outbox) > count


@pytest.mark.django_db
def test_a_pdf_is_attached_as_pdf(cast: Any, api: Any) -> None:
    with time_machine.travel(datetime(2030, 5, 3, 12, tzinfo=UTC), tick=True):
        assert schedule(cast, api, every="quarter").status_code == 201
        assert sent(cast) == 0
    with time_machine.travel(datetime(2030, 7, 2, 12, tzinfo=UTC), tick=True):
        assert sent(cast) == 1
    name, content, kind = mail.outbox[-1].attachments[0]
    assert (name, kind) == ("delivery-2030-04-01-2030-06-30.pdf", "application/pdf")
    assert content.startswith(b"%PDF-")


@pytest.mark.django_db
def test_only_members_get_reports(cast: Any, other_cast: Any, api: Any) -> None:
    stranger = Membership.objects.get(
        user_id=other_cast["owner"].user_id, organization=other_cast.organization
    )
    for wrong in ([], ["nobody@example.org"], [stranger.user.email]):
        answer = schedule(cast, api, recipients=wrong)
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["pointer"].endswith("recipients")
    assert schedule(cast, api, begins=(now() - timedelta(days=40)).isoformat()).status_code == 201
    Membership.objects.filter(user_id=cast["executive"].user_id).update(suspended_at=now())
    before = len(mail.outbox)
    sent(cast)
    assert len(mail.outbox) == before
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert "None of the recipients" in ReportSchedule.objects.get().told


@pytest.mark.django_db
def test_a_mail_server_that_is_away_is_tried_again(cast: Any, api: Any) -> None:
    assert (
        schedule(cast, api, form="json", begins=(now() - timedelta(days=40)).isoformat()).status_code == 201
    )
    with patch("django.core.mail.EmailMessage.send", side_effect=ConnectionRefusedError("refused")):
        assert sent(cast) == 0
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert "did not take it" in ReportSchedule.objects.get().told
    assert sent(cast) >= 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"dashboard": "vanity"}, "dashboard"),
        ({"question": {"colour": "red"}}, "question"),
        ({"question": {"train": "PAY"}}, "train"),
        ({"every": "day"}, "every"),
        ({"name": " "}, "name"),
    ],
)
def test_a_schedule_without_sense_is_refused(cast: Any, api: Any, wrong: dict[str, Any], field: str) -> None:
    answer = schedule(cast, api, **wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].endswith(field)


@pytest.mark.django_db
def test_a_paused_schedule_sends_nothing_and_does_not_catch_up(cast: Any, api: Any) -> None:
    made = schedule(cast, api, form="json", begins=(now() - timedelta(days=90)).isoformat()).json()
    assert api("owner").post(f"{SCHEDULES}/{made['id']}/pause", {}, format="json").status_code == 200
    assert sent(cast) == 0
    assert api("owner").post(f"{SCHEDULES}/{made['id']}/resume", {}, format="json").status_code == 200
    assert sent(cast) == 0
    assert schedule(cast, api).status_code == 422, "the name is taken"
    assert api("team_member").post(SCHEDULES, {}, format="json").status_code in (403, 422)


@pytest.mark.django_db
def test_a_declared_change_can_be_withdrawn_but_not_forgotten(cast: Any, api: Any) -> None:
    changes = f"{API}/declared-changes"
    told = {"title": "Smaller batches", "happened_on": "2026-10-01", "resets": True}
    made = api("owner").post(changes, told, format="json")
    assert made.status_code == 201
    one = f"{changes}/{made.json()['id']}"
    assert (
        api("owner").post(f"{one}/withdraw", {"reason": "Did not happen"}, format="json").status_code == 200
    )
    assert api("owner").post(f"{one}/withdraw", {"reason": "Again"}, format="json").status_code == 409
    assert api("owner").get(one).json()["state"] == "withdrawn"
    wrong = [
        {"ended_on": "2026-09-01"},
        {"happened_on": str((now() + timedelta(days=3)).date())},
        {"title": " "},
    ]
    for each in wrong:
        assert api("owner").post(changes, {**told, **each}, format="json").status_code == 422, each
