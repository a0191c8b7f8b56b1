"""People are told what concerns them: once, in their inbox, and never of what they did themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import psycopg2.errors
import pytest
from django.db import OperationalError

from releasetrain.audit import consumption
from releasetrain.audit.models import DeadLetter, LedgerEntry
from releasetrain.exchange.models import Notification
from releasetrain.interface import notices
from releasetrain.interface.notices import Notice
from trains.actions.teams import create_team
from trains.actions.trains import create_train
from trains.models import Team, Train

pytestmark = pytest.mark.django_db


@pytest.fixture
def declared(monkeypatch):
    """Notices of this test alone."""
    kinds: dict = {}
    monkeypatch.setattr(notices, "_declared", kinds)
    return kinds


def told(cast, role: str) -> list[str]:
    return list(Notification.objects.filter(user_id=cast[role].user_id).values_list("title", flat=True))


def train(actor, name="Rails"):
    return create_train(actor, key=name[:4].upper(), name=name, cadence_start=date(2027, 1, 4))


def test_a_notice_reaches_its_people_once(declared, cast, within):
    @notices.notice("train.create", name="train.made")
    def made(entry):
        about = Train.objects.get(pk=entry.subject_id)
        return Notice([cast["auditor"].user_id, cast["rte"].user_id], f"{about} was founded", about=about)

    with within(cast, "rte") as actor:
        train(actor)
        entry = LedgerEntry.objects.get(verb="train.create", subject_label="RAIL")
        assert notices.tell(entry) == ""
        assert notices.tell(entry) == ""
        assert told(cast, "auditor") == ["RAIL was founded"]
        assert told(cast, "rte") == []


def test_one_notice_that_breaks_does_not_keep_back_the_others(declared, cast, within):
    @notices.notice("train.create", name="train.broken")
    def broken(entry):
        raise ValueError("no such thing")

    @notices.notice("train.create", name="train.made")
    def made(entry):
        return Notice([cast["auditor"].user_id], "Founded")

    with within(cast, "rte") as actor:
        train(actor)
        entry = LedgerEntry.objects.get(verb="train.create", subject_label="RAIL")
        listener = consumption.Subscription("notices", frozenset({"train.create"}), notices.tell)
        consumption._handle(listener, entry)
        assert told(cast, "auditor") == ["Founded"]
        letter = DeadLetter.objects.get(consumer="notices", entry_id=entry.pk)
        assert "train.broken" in letter.error


def test_a_deadlock_is_no_fault_of_the_entry_it_is_given_anew_and_no_dead_letter(declared, cast, within):
    @notices.notice("train.create", name="train.made")
    def made(entry):
        deadlock = psycopg2.errors.DeadlockDetected()
        deadlock.__setstate__({"pgcode": "40P01"})
        raise OperationalError("deadlock detected") from deadlock

    with within(cast, "rte") as actor:
        train(actor)
        entry = LedgerEntry.objects.get(verb="train.create", subject_label="RAIL")
        listener = consumption.Subscription("notices", frozenset({"train.create"}), notices.tell)
        with pytest.raises(OperationalError):
            consumption._handle(listener, entry)
        assert not DeadLetter.objects.exists()


def test_a_reminder_is_told_once_for_its_key(cast, within):
    with within(cast, "rte"):
        people = [cast["auditor"].user_id, cast["executive"].user_id]
        assert notices.remind(people, "freeze:1", "The freeze begins tomorrow") == 2
        assert notices.remind(people, "freeze:1", "The freeze begins tomorrow") == 0
        assert notices.remind(people, "freeze:2", "The next freeze begins") == 2
        assert len(told(cast, "auditor")) == 2


def test_service_accounts_and_strangers_are_told_nothing(cast, other_cast, within):
    with within(cast, "rte"):
        nobody = [cast["service_account"].user_id, other_cast["rte"].user_id]
        assert notices.remind(nobody, "x", "Not for you") == 0


def test_the_bell_counts_what_is_unread_and_only_ones_own(cast, within, web, api):
    with within(cast, "rte"):
        notices.remind([cast["auditor"].user_id], "x", "Sign the audit plan")
    page = web("auditor").get("/o/northwind/notifications/").content.decode()
    assert "Sign the audit plan" in page
    assert "Notifications, 1 unread" in page
    assert "Sign the audit plan" not in web("rte").get("/o/northwind/notifications/").content.decode()
    (item,) = api("auditor").get("/api/v1/orgs/northwind/notifications").json()["items"]
    address = f"/api/v1/orgs/northwind/notifications/{item['id']}/read"
    assert api("rte").post(address).status_code == 404
    assert api("auditor").post(address).json()["read_at"]
    assert "unread" not in web("auditor").get("/o/northwind/teams/").content.decode()


def test_following_an_object_tells_of_what_happens_to_it_and_its_parts(cast, within, api):
    with within(cast, "rte") as actor:
        rails, other = train(actor), train(actor, "Other")
    rest = api("auditor")
    made = rest.post("/api/v1/orgs/northwind/watches", {"kind": "train", "object": str(rails.pk)})
    assert made.status_code == 201, made.json()
    again = rest.post("/api/v1/orgs/northwind/watches", {"kind": "train", "object": str(rails.pk)})
    assert again.json()["code"] == "watch.exists"
    with within(cast, "rte") as actor:
        create_team(actor, train=rails, code="SIG", name="Signals")
        create_team(actor, train=other, code="ELSE", name="Elsewhere")
        from releasetrain.exchange import watching

        for entry in LedgerEntry.objects.filter(watching.watched_entries()).order_by("id"):
            watching.tell_watchers(entry)
            watching.tell_watchers(entry)
        assert told(cast, "auditor") == ["Signals: created"]


def test_sifting_many_entries_leaves_exactly_those_that_somebody_follows(cast, within, api):
    with within(cast, "rte") as actor:
        rails, other = train(actor), train(actor, "Other")
    rest = api("auditor")
    assert (
        rest.post("/api/v1/orgs/northwind/watches", {"kind": "train", "object": str(rails.pk)}).status_code
        == 201
    )
    with within(cast, "rte") as actor:
        from releasetrain.exchange import watching

        for number in range(12):
            create_team(
                actor, train=rails if number % 3 == 0 else other, code=f"T{number}", name=f"Team {number}"
            )
        entries = list(LedgerEntry.objects.filter(verb="team.create").order_by("id"))
        # The parameters name the train; what only the row says is seen as well.
        assert [e.subject_label for e in watching.concerning_watchers(entries)] == [
            str(each) for each in Team.objects.filter(train=rails).order_by("created_at")
        ]
        (listener,) = (s for s in consumption.subscriptions() if s.name == "watches")
        broken = replace(listener, sift=lambda entries: 1 / 0)
        assert consumption._sifted(broken, entries) == entries
    assert rest.post("/api/v1/orgs/northwind/watches", {"verbs": ["team.*"]}).status_code == 201
    with within(cast, "rte"):
        assert watching.concerning_watchers(entries) == entries


def test_following_acts_wherever_they_happen(cast, within, api):
    rest = api("auditor")
    refused = rest.post("/api/v1/orgs/northwind/watches", {"verbs": ["train.explode"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "watch.verb")
    assert rest.post("/api/v1/orgs/northwind/watches", {}).status_code == 422
    assert rest.post("/api/v1/orgs/northwind/watches", {"verbs": ["team.*"]}).status_code == 201
    with within(cast, "rte") as actor:
        create_team(actor, train=train(actor), code="SIG", name="Signals")
        from releasetrain.exchange import watching

        for entry in LedgerEntry.objects.filter(watching.watched_entries()).order_by("id"):
            watching.tell_watchers(entry)
        assert told(cast, "auditor") == ["Signals: created"]
