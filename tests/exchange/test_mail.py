"""Mail about notifications, through a real SMTP server: when it goes, once, and also when a worker dies over it."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from releasetrain.embedded.addresses import free_port
from releasetrain.exchange import mailing
from releasetrain.exchange.models import Notification
from releasetrain.exchange.rules.mailing import Wishes, goes_at, is_quiet, next_digest, quiet_end
from releasetrain.interface import notices

ROOT = Path(__file__).parents[2]
API = "/api/v1/orgs/northwind"


class Sink:
    """A mail server that keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.mails: list = []
        self.refuses = ""

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the name that the server calls
        if self.refuses:
            return self.refuses
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 kept"


@pytest.fixture
def smtp(settings):
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    sink.port = controller.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    settings.PUBLIC_URL = "https://trains.example"
    yield sink
    controller.stop()


def remind(cast, within, role, key, title="The freeze begins", **more):
    with within(cast, "owner"):
        return notices.remind([cast[role].user_id], key, title, **more)


def send(cast):
    return mailing.send_due(cast.organization.pk)


def rows(cast, within):
    with within(cast, "owner"):
        return list(Notification.objects.order_by("told_at"))


@pytest.mark.django_db
class TestMail:
    def test_a_mail_says_what_is_about_what_and_goes_once(self, smtp, cast, within):
        from trains.models import Train

        with within(cast, "owner"):
            train = Train.objects.first()
            notices.remind([cast["auditor"].user_id], "a", "Sign\r\nthe plan", "By <Friday>.", about=train)
        assert send(cast) == 1
        assert send(cast) == 0
        ((to, mail),) = smtp.mails
        assert to == [cast.user("auditor").email]
        assert mail["Subject"].endswith("Sign the plan")
        assert mail["Auto-Submitted"] == "auto-generated"
        text = mail.get_body(("plain",)).get_content()
        assert "By <Friday>." in text and "https://trains.example/o/northwind/" in text
        assert "By &lt;Friday&gt;." in mail.get_body(("html",)).get_content()
        (row,) = rows(cast, within)
        assert (row.mail, row.attempts) == ("sent", 1) and row.mailed_at

    def test_a_mail_is_written_in_the_language_region_and_zone_of_whoever_reads_it(self, smtp, cast, within):
        from releasetrain.accounts.models import User

        User.objects.filter(pk=cast["auditor"].user_id).update(
            language="de", region="CH", time_zone="Europe/Zurich"
        )
        with time_machine.travel(datetime(2026, 12, 5, 12, tzinfo=UTC), tick=False):
            for role in ("auditor", "rte"):
                remind(
                    cast,
                    within,
                    role,
                    "vote",
                    "CHG-7 waits for your vote: Split the table",
                    text="Planned for 2026-12-08 10:00 UTC.",
                )
            assert send(cast) == 2
        told = {to[0]: mail for to, mail in smtp.mails}
        german, english = (told[cast.user(role).email] for role in ("auditor", "rte"))
        assert german["Subject"].endswith("CHG-7 wartet auf Ihre Stimme: Split the table")
        text = german.get_body(("plain",)).get_content().replace("\u00a0", " ")
        assert "Geplant für 8. Dez. 2026 10:00 UTC." in text
        assert "5. Dez. 2026 13:00 CET" in text and "Wie Sie benachrichtigt werden" in text
        assert '<html lang="de">' in german.get_body(("html",)).get_content()
        assert english["Subject"].endswith("CHG-7 waits for your vote: Split the table")
        # What is kept is what was told, in English.
        with within(cast, "owner"):
            assert set(Notification.objects.values_list("title", flat=True)) == {
                "CHG-7 waits for your vote: Split the table"
            }

    def test_a_server_that_refuses_is_asked_again_and_given_up_at_last(self, smtp, cast, within, api):
        smtp.refuses = "451 later"
        remind(cast, within, "auditor", "a")
        assert send(cast) == 0
        (row,) = rows(cast, within)
        assert row.mail == "waiting" and "451" in row.error and row.mail_due_at > datetime.now(UTC)
        while rows(cast, within)[0].mail == "waiting":
            with within(cast, "owner"):
                Notification.objects.update(mail_due_at=datetime.now(UTC) - timedelta(seconds=1))
            send(cast)
        assert rows(cast, within)[0].attempts == mailing.ATTEMPTS
        smtp.refuses = ""
        assert api("rte").post(f"{API}/notifications/{row.pk}/send_again").status_code == 404
        assert api("auditor").post(f"{API}/notifications/{row.pk}/send_again").status_code == 200
        assert send(cast) == 1

    def test_a_lease_is_respected_and_runs_out(self, smtp, cast, within):
        remind(cast, within, "auditor", "a")
        (letter,) = mailing.claim(cast.organization.pk, uuid.uuid4())
        assert send(cast) == 0
        with within(cast, "owner"):
            Notification.objects.update(claimed_until=datetime.now(UTC) - timedelta(seconds=1))
        assert send(cast) == 1
        mailing._settle(letter, uuid.uuid4(), "too late")
        assert rows(cast, within)[0].mail == "sent"
        assert len(smtp.mails) == 1
        assert smtp.mails[0][1]["Message-ID"] == letter.message_id

    def test_quiet_hours_in_ones_own_zone_and_what_is_urgent(self, smtp, cast, within, api):
        wishes = {"quiet_from": "18:00", "quiet_until": "08:00", "time_zone": "Asia/Tokyo"}
        assert api("auditor").post(f"{API}/notification-settings/choose", wishes).status_code in (200, 201)
        with time_machine.travel(datetime(2026, 11, 19, 12, tzinfo=UTC), tick=False):
            remind(cast, within, "auditor", "calm")
            remind(cast, within, "auditor", "fire", "Production is down", urgent=True)
            assert send(cast) == 1
        assert "Production is down" in smtp.mails[0][1]["Subject"]
        with time_machine.travel(datetime(2026, 11, 19, 22, 59, tzinfo=UTC), tick=False):
            assert send(cast) == 0
        with time_machine.travel(datetime(2026, 11, 19, 23, 0, tzinfo=UTC), tick=False):
            assert send(cast) == 1

    def test_a_digest_is_one_mail(self, smtp, cast, within, api):
        wishes = {"mail": "daily", "digest_at": "07:30", "time_zone": "Europe/Berlin"}
        assert api("auditor").post(f"{API}/notification-settings/choose", wishes).status_code in (200, 201)
        with time_machine.travel(datetime(2026, 11, 19, 12, tzinfo=UTC), tick=False):
            for number in range(3):
                remind(cast, within, "auditor", str(number), f"Thing {number}")
            assert send(cast) == 0
        with time_machine.travel(datetime(2026, 11, 20, 6, 30, tzinfo=UTC), tick=False):
            assert send(cast) == 1
        ((_, mail),) = smtp.mails
        assert mail["Subject"].endswith("3 notifications")
        assert all(f"Thing {n}" in mail.get_body(("plain",)).get_content() for n in range(3))

    def test_what_is_muted_and_no_mail_at_all(self, smtp, cast, within, api):
        api("auditor").post(f"{API}/notification-settings/choose", {"muted": ["reminder"]})
        assert remind(cast, within, "auditor", "a") == 0
        api("auditor").post(f"{API}/notification-settings/choose", {"mail": "never"})
        assert remind(cast, within, "auditor", "b", urgent=True) == 1
        assert send(cast) == 0
        for wrong, field in (
            ({"quiet_from": "18:00"}, "quiet_until"),
            ({"quiet_from": "25:00", "quiet_until": "08:00"}, "quiet_from"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"muted": ["no.such"]}, "muted"),
        ):
            refused = api("auditor").post(f"{API}/notification-settings/choose", wrong)
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["pointer"].startswith(f"#/{field}")


_CLAIM_AND_DIE = """
import os, signal, sys, uuid
import django
django.setup()
from django.conf import settings
from releasetrain.embedded.addresses import free_port
from releasetrain.exchange import mailing
letters = mailing.claim(uuid.UUID(sys.argv[1]), uuid.uuid4())
if sys.argv[2] == "sent":
    mailing._message(letters[0]).send()
assert letters
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.patient
@pytest.mark.parametrize("moment", ["claimed", "sent"])
def test_a_worker_killed_between_claim_and_note(moment, committed_db, smtp, cast, within):
    """Killed before it sends: the mail goes once, later. Killed after: the second one has the id of the first."""
    remind(cast, within, "auditor", "a")
    command = [sys.executable, "-c", _CLAIM_AND_DIE, str(cast.organization.pk), moment]
    mail = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(smtp.port)}
    environment = {**committed_db.environment(), **mail}
    dead = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert send(cast) == 0
    with within(cast, "owner"):
        Notification.objects.update(claimed_until=datetime.now(UTC) - timedelta(seconds=1))
    assert send(cast) == 1
    assert rows(cast, within)[0].mail == "sent"
    assert len(smtp.mails) == (1 if moment == "claimed" else 2)
    assert len({mail["Message-ID"] for _, mail in smtp.mails}) == 1


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(
    lambda m: m.replace(tzinfo=UTC, fold=0)
)
CLOCKS = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(MOMENTS, CLOCKS, CLOCKS, st.booleans(), ZONES)
@hypothesis_settings(max_examples=300, deadline=None)
def test_mail_never_goes_while_it_is_quiet_nor_later_than_quiet_ends(moment, start, end, weekends, zone):
    wishes = Wishes(quiet_from=start, quiet_until=end, quiet_weekends=weekends, zone=ZoneInfo(zone))
    goes = goes_at(moment, wishes)
    assert goes is not None and goes >= moment and not is_quiet(goes, wishes)
    if goes > moment:
        assert is_quiet(moment, wishes) and is_quiet(goes - timedelta(minutes=1), wishes)
    assert goes - moment <= timedelta(days=4)


@given(MOMENTS, CLOCKS, st.integers(0, 6), ZONES, st.sampled_from(["daily", "weekly"]))
@hypothesis_settings(max_examples=200, deadline=None)
def test_a_digest_is_due_within_its_period_at_its_time(moment, at, weekday, zone, mail):
    wishes = Wishes(mail=mail, digest_at=at, digest_weekday=weekday, zone=ZoneInfo(zone))
    due = next_digest(moment, wishes)
    assert (
        moment
        < due
        <= moment + timedelta(days=1 if mail == "daily" else 7, hours=25 if zone == "Pacific/Apia" else 1)
    )
    local = due.astimezone(ZoneInfo(zone))
    assert local.time() == at or local.dst() != (local - timedelta(days=1)).dst()
    if mail == "weekly":
        assert local.weekday() == weekday


def test_quiet_hours_over_a_change_of_clocks():
    berlin = Wishes(quiet_from=time(22), quiet_until=time(7), zone=ZoneInfo("Europe/Berlin"))
    before = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert quiet_end(before, berlin) == datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert quiet_end(datetime(2026, 10, 24, 22, tzinfo=UTC), berlin) == datetime(2026, 10, 25, 6, tzinfo=UTC)
    assert quiet_end(datetime(2026, 6, 1, 12, tzinfo=UTC), berlin) is None
