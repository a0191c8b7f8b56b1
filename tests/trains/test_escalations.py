"""Escalation: policies fire by the clock, climb until somebody answers, and end by themselves."""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.refusals import Refused
from trains.rules.escalation import climbs_at, raised_at

START = datetime(2027, 3, 1, 9, tzinfo=UTC)  # later than the grants of the cast
HOUR = timedelta(hours=1)

minutes = st.lists(st.integers(0, 10_000).map(lambda m: timedelta(minutes=m)), min_size=1, max_size=6)


@given(minutes, st.integers(0, 100_000))
def test_every_level_has_its_full_time_however_late_the_one_below_was_told(after, late):
    told = raised_at(START, after) + timedelta(minutes=late)
    for level in range(1, len(after)):
        following = climbs_at(told, level, after)
        assert following - told == after[level]
        told = following + timedelta(minutes=late)
    assert climbs_at(told, len(after), after) is None
    assert raised_at(START, []) is None


@pytest.fixture
def promise(in_northwind: Any, cast: Any) -> Any:
    """Two trains, a dependency nobody has agreed to, and a policy of two levels; the clock stands at START."""
    from trains.actions.train_dependencies import create_train_dependency
    from trains.actions.trains import create_train

    with time_machine.travel(START, tick=False) as clock:
        trains = {
            code: create_train(cast["rte"], key=code, name=code.title(), cadence_start=date(2026, 1, 5))
            for code in ("PAY", "LND")
        }
        dependency = create_train_dependency(
            cast["rte"],
            provider=trains["LND"],
            consumer=trains["PAY"],
            what="Limits API v2",
            needed_by=date(2027, 4, 1),
        )
        policy = make_policy(cast)
        yield clock, dependency, policy


def make_policy(cast: Any) -> Any:
    from releasetrain.accounts.catalogue import Role
    from trains.actions.escalations import add_level, create_policy
    from trains.models import Channel

    policy = create_policy(cast["rte"], name="Unanswered promises", subject_kind="traindependency")
    add_level(cast["rte"], policy, after_minutes=60, role=Role.RTE)
    add_level(cast["rte"], policy, after_minutes=120, role=Role.PRODUCT_MANAGER, channel=Channel.EMAIL)
    return policy


def sweep(cast: Any) -> Any:
    from releasetrain.kernel.actor import Actor
    from trains.sweeping import sweep as round_

    return round_(Actor.system(cast.organization.pk, "test"))


def only() -> Any:
    from trains.models import Escalation

    return Escalation.objects.get()


def inbox(cast: Any, role: str) -> list[str]:
    from trains.models import InboxEntry

    return list(InboxEntry.objects.filter(user_id=cast[role].user_id).values_list("title", flat=True))


def test_nothing_happens_before_the_time_of_the_first_level(promise, cast):
    clock, _, _ = promise
    clock.move_to(START + HOUR - timedelta(seconds=1))
    assert sweep(cast).raised == 0
    clock.move_to(START + HOUR)
    assert sweep(cast).raised == 1
    assert only().state == "open"
    assert only().next_at == START + 3 * HOUR
    assert inbox(cast, "rte") == [
        "Level 1: PAY needs of LND: Limits API v2 has waited since 2027-03-01 09:00 UTC"
    ]
    assert inbox(cast, "product_manager") == []


def test_a_second_round_tells_nobody_twice(promise, cast):
    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    done = sweep(cast)
    assert (done.raised, done.climbed, done.resolved) == (0, 0, 0)
    assert len(inbox(cast, "rte")) == 1


def test_it_climbs_when_nobody_answers_and_stops_at_the_top(promise, cast):
    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    clock.move_to(START + 3 * HOUR)
    assert sweep(cast).climbed == 1
    assert only().level == 2
    assert only().next_at is None
    assert len(inbox(cast, "product_manager")) == 1
    clock.move_to(START + 300 * HOUR)
    assert sweep(cast).climbed == 0
    steps = [(s.act, s.level, s.told, s.channel) for s in only().steps.all()]
    assert steps == [
        ("raised", 1, [str(cast.user("rte"))], "inbox"),
        ("climbed", 2, [str(cast.user("product_manager"))], "email"),
    ]


def test_acknowledged_it_stays_until_the_time_asked_for_is_over(promise, cast):
    from trains.actions.escalations import acknowledge

    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    acknowledge(cast["rte"], only(), note="Talking to Harbor.", held_until=START + 10 * HOUR)
    clock.move_to(START + 9 * HOUR)
    sweep(cast)
    assert (only().state, only().level) == ("acknowledged", 1)
    clock.move_to(START + 10 * HOUR)
    assert sweep(cast).lapsed == 1
    assert sweep(cast).climbed == 1
    assert (only().state, only().level) == ("open", 2)
    assert only().acknowledged_by_id is None


def test_what_no_longer_waits_ends_by_itself(promise, cast):
    from trains.actions.train_dependencies import agree_train_dependency

    clock, dependency, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    agree_train_dependency(cast["rte"], dependency)
    assert sweep(cast).resolved == 1
    assert only().state == "resolved"
    assert only().steps.last().note == "It no longer waits."
    clock.move_to(START + 5 * HOUR)
    assert sweep(cast).raised == 0


def test_only_whoever_was_told_answers(promise, cast):
    from trains.actions.escalations import acknowledge, resolve

    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    decision = acknowledge.decide(cast["auditor"], only())
    assert decision.refusals[0].code == "escalation.not_told"
    with pytest.raises(Refused) as caught:
        resolve(cast["rte"], only())
    assert caught.value.code == "escalation.waiting"
    assert caught.value.refusals[0].blocked_by.kind == "traindependency"


def test_it_can_be_raised_by_hand_but_only_once_and_only_for_what_waits(promise, cast):
    from trains.actions.escalations import raise_escalation

    _, dependency, policy = promise
    raise_escalation(cast["team_member"], policy=policy, subject_id=dependency.pk, note="We cannot wait.")
    assert only().steps.get().note == "We cannot wait."
    for subject, code in ((dependency.pk, "escalation.present"), (policy.pk, "escalation.not_waiting")):
        with pytest.raises(Refused) as caught:
            raise_escalation(cast["rte"], policy=policy, subject_id=subject)
        assert caught.value.code == code


def test_a_level_tells_a_role_or_a_person(promise, cast):
    from releasetrain.accounts.catalogue import Role
    from trains.actions.escalations import add_level

    _, _, policy = promise
    for who in ({}, {"role": Role.RTE, "person": cast.user("rte")}):
        with pytest.raises(Refused) as caught:
            add_level(cast["rte"], policy, after_minutes=1, **who)
        assert caught.value.refusals[0].field == "role"


def test_the_mail_of_a_level_goes_to_its_people(promise, cast, mailoutbox):
    from trains import tasks

    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    assert tasks.mail(str(cast.organization.pk), str(only().pk), 2) == 1
    assert mailoutbox[0].to == [cast.user("product_manager").email]
    assert only().key in mailoutbox[0].subject


def test_changes_that_wait_for_sign_off_can_escalate(in_northwind):
    from trains import escalating

    assert {"booking", "changerequest", "traindependency"} <= {kind for kind, _ in escalating.kinds()}
    assert list(escalating.kind_of("changerequest").waiting(None)) == []


def test_the_inbox_is_each_persons_own(promise, cast, web, api):
    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    assert "Limits API v2" in web("rte").get("/o/northwind/inbox/").content.decode()
    assert "Limits API v2" not in web("auditor").get("/o/northwind/inbox/").content.decode()
    rest = api("rte")
    (entry,) = rest.get("/api/v1/orgs/northwind/inbox").json()["items"]
    assert api("auditor").post(f"/api/v1/orgs/northwind/inbox/{entry['id']}/read").status_code == 404
    assert rest.post(f"/api/v1/orgs/northwind/inbox/{entry['id']}/read").json()["read_at"]


def test_the_timeline_is_on_the_page(promise, cast, web):
    clock, _, policy = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    page = web("rte").get(f"/o/northwind/escalations/{only().key}/").content.decode()
    assert "Raised" in page
    assert f"Told: {cast.user('rte')}" in page
    assert "Climbing now" in web("rte").get(f"/o/northwind/escalation-policies/{policy.pk}/").content.decode()


def test_the_timeline_cannot_be_changed(promise, cast):
    from django.db import DatabaseError, transaction

    from trains.models import EscalationStep

    clock, _, _ = promise
    clock.move_to(START + HOUR)
    sweep(cast)
    with pytest.raises(DatabaseError), transaction.atomic():
        EscalationStep.objects.update(note="Nothing happened.")


def test_a_booking_in_the_queue_of_a_taken_resource_waits(in_northwind, cast):
    from trains import escalating
    from trains.actions.bookings import create_booking, create_resource
    from trains.actions.releases import create_release
    from trains.actions.trains import create_train
    from trains.models import SharedResource

    rte = cast["rte"]
    train = create_train(rte, key="PAY", name="Payments", cadence_start=date(2026, 1, 5))
    lab = create_resource(rte, name="Card lab", kind=SharedResource.Kind.DEVICE, train=train)
    window = {"starts": START, "ends": START + HOUR, "resource": lab}
    for version in ("1.0.0", "1.1.0"):
        release = create_release(cast["release_manager"], train=train, version=version)
        create_booking(cast["release_manager"], release=release, queue=version != "1.0.0", **window)
    (waiting,) = escalating.kind_of("booking").waiting(train)
    assert "Card lab" in waiting.label
    assert waiting.train_id == train.pk


@pytest.mark.journey
def test_beat_and_a_worker_fire_it(committed_db: Any, cast: Any, within: Any, tmp_path: Any) -> None:
    """Nobody calls the round here: Celery beat rings, a worker does it."""
    from tests.testbed.processes import Process
    from trains.actions.escalations import add_level, create_policy
    from trains.actions.train_dependencies import create_train_dependency
    from trains.actions.trains import create_train
    from trains.models import Escalation, InboxEntry

    with within(cast, "rte") as rte:
        one, other = (
            create_train(rte, key=code, name=code, cadence_start=date(2026, 1, 5)) for code in ("PAY", "LND")
        )
        create_train_dependency(
            rte, provider=one, consumer=other, what="Limits API", needed_by=date(2027, 4, 1)
        )
        policy = create_policy(rte, name="At once", subject_kind="traindependency")
        add_level(rte, policy, after_minutes=0, person=cast.user("executive"))
    command = [sys.executable, "-m", "celery", "--app", "releasetrain.celery", "worker", "--beat"]
    command += ["--loglevel", "INFO", "--concurrency", "1", "--schedule", str(tmp_path / "beat")]
    worker = Process(
        command, committed_db.environment(), tmp_path / "log", lambda process: " ready." in process.log()
    )
    worker.start()
    try:
        deadline, told = time.monotonic() + 40, 0
        while not told and time.monotonic() < deadline:
            time.sleep(0.5)
            with within(cast, "rte"):
                told = InboxEntry.objects.filter(user_id=cast["executive"].user_id).count()
        assert told == 1, worker.log()
        with within(cast, "rte"):
            assert Escalation.objects.get().state == "open"
    finally:
        worker.stop()
