"""Planning events: agendas across zones, one timer for all, joining, parking; the live part is 304 while nothing moves."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from planning.rules import agenda
from releasetrain.kernel.refusals import Refused

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
zones = st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"])


@given(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0, tzinfo=None)),
    zones,
    st.sampled_from(sorted(agenda.TEMPLATES)),
)
def test_boxes_follow_each_other_and_days_are_working_days(first, begins, zone, template):
    days = agenda.TEMPLATES[template][1]
    laid = agenda.laid_out(days, first, begins, ZoneInfo(zone))
    assert [box for box, _ in laid] == [box for boxes in days for box in boxes]
    position = 0
    for boxes in days:
        day = laid[position : position + len(boxes)]
        for (box, moment), (_, following) in pairwise(day):
            assert following - moment == timedelta(minutes=box.minutes)
        position += len(boxes)
    starts = {agenda.working_day(first, number).weekday() for number in range(len(days))}
    assert max(starts) < 5


def test_after_a_change_of_clocks_a_day_still_begins_when_its_people_expect_it():
    # Europe/London puts its clocks forward on Sunday 28 March 2027: Friday is in winter time, Monday in summer time.
    laid = agenda.laid_out(
        agenda.TEMPLATES["two_days"][1], date(2027, 3, 26), time(9), ZoneInfo("Europe/London")
    )
    assert laid[0][1] == datetime(2027, 3, 26, 9, tzinfo=UTC)
    assert laid[8][1] == datetime(2027, 3, 29, 8, tzinfo=UTC)


@given(
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), max_size=8),
)
def test_pauses_are_never_counted(used, spans):
    moment, ran = START, used
    for running, paused in spans:
        stopped = moment + timedelta(seconds=running)
        used = agenda.seconds_used(used, moment, stopped)
        ran += running
        moment = stopped + timedelta(seconds=paused)
    assert used == ran
    assert agenda.seconds_used(used, None, moment) == ran


def test_every_template_has_the_parts_of_a_planning_event():
    wanted = {
        "business_context",
        "vision",
        "breakout",
        "draft_review",
        "management_review",
        "final_review",
        "risks",
        "confidence",
        "retrospective",
    }
    for _, days in agenda.TEMPLATES.values():
        assert wanted <= {box.kind for boxes in days for box in boxes}


@pytest.fixture
def event(world: Any) -> Any:
    """An event that begins at START; the clock stands there."""
    from planning.actions.events import create_event

    with time_machine.travel(START, tick=False) as clock:
        made = create_event(world.cast["rte"], pi=world.pi, starts_on=START.date(), time_zone="Europe/London")
        made.clock = clock
        yield made


def again(event: Any) -> Any:
    from planning.models import PlanningEvent

    return PlanningEvent.objects.select_related("current", "pi").get(pk=event.pk)


def test_the_timer_is_the_servers(event, world):
    from planning.actions import events as actions

    rte, clock = world.cast["rte"], event.clock
    actions.start_event(rte, again(event))
    now = again(event)
    assert (now.state, now.current.title, now.ticking_since) == ("running", "Business context", START)
    assert now.pi.state == "planning", "the event opens the planning of its PI"
    clock.move_to(START + timedelta(minutes=10))
    actions.pause_timer(rte, again(event))
    clock.move_to(START + timedelta(minutes=40))
    assert again(event).current.used == 600
    actions.resume_timer(rte, again(event))
    clock.move_to(START + timedelta(minutes=45))
    actions.extend(rte, again(event), minutes=5)
    actions.next_slot(rte, again(event))
    first, second = again(event).slots.order_by("starts_at")[:2]
    assert (first.state, first.used, first.extra_minutes) == ("done", 900, 5)
    assert (second.state, again(event).current_id) == ("current", second.pk)


def test_buttons_that_make_no_sense_are_refused(event, world):
    from planning.actions import events as actions

    rte = world.cast["rte"]
    for act in (actions.pause_timer, actions.next_slot):
        with pytest.raises(Refused) as caught:
            act(rte, again(event))
        assert caught.value.code == "state.illegal"
    actions.start_event(rte, again(event))
    with pytest.raises(Refused) as caught:
        actions.resume_timer(rte, again(event))
    assert caught.value.code == "timer.running"
    assert not actions.pause_timer.decide(world.cast["team_member"], event).allowed


def test_an_agenda_can_be_taken_from_an_earlier_event(event, world):
    from planning.actions.events import create_event

    copied = create_event(world.cast["rte"], pi=world.pi, starts_on=date(2027, 6, 7), like=event)
    same = [(s.title, s.minutes) for s in event.slots.order_by("starts_at", "id")]
    assert [(s.title, s.minutes) for s in copied.slots.order_by("starts_at", "id")] == same


@pytest.mark.parametrize(
    ("given", "field"),
    [({"time_zone": "Mars/Olympus"}, "time_zone"), ({"begins": "25:00"}, "begins"), ({"link": "x"}, "link")],
)
def test_what_is_wrong_is_named(world, given, field):
    from planning.actions.events import create_event

    with pytest.raises(Refused) as caught:
        create_event(world.cast["rte"], pi=world.pi, starts_on=START.date(), **given)
    assert (caught.value.status, caught.value.refusals[0].field) == (422, field)


def test_everybody_sees_each_slot_in_their_own_zone(event, world, web):
    from releasetrain.accounts.models import User

    User.objects.filter(pk=world.cast["team_member"].user_id).update(time_zone="Asia/Kolkata")
    page = web("team_member").get(f"/o/northwind/planning-events/{event.key}/").content.decode()
    assert '<span class="at">14:30</span>' in page
    assert "09:00 Europe/London" in page


def test_people_join_by_link_and_an_old_link_leads_nowhere(event, world, web):
    from planning.actions.events import renew_link

    address = f"/o/northwind/planning-events/{event.key}/join/{event.code}/"
    member = web("team_member")
    assert "In the room" in member.get(address).content.decode()
    assert member.post(address, {"presence": "room", "team": "PAY-LED"}).status_code == 303
    attendee = event.attendees.get()
    assert (attendee.presence, attendee.team) == ("room", world.ledger)
    member.post(address, {"presence": "remote"})
    assert event.attendees.get().presence == "remote"
    renew_link(world.cast["rte"], again(event))
    assert member.get(address).status_code == 404
    assert web("owner", "contoso-health").get(address).status_code == 404


def test_the_live_part_is_not_sent_again_while_nothing_moves(
    event, world, web, django_assert_max_num_queries
):
    from planning.actions.events import park

    client = web("team_member")
    address = f"/o/northwind/planning-events/{event.key}/live/?fragment=event_live"
    first = client.get(address, HTTP_HX_REQUEST="true")
    assert first.status_code == 200
    assert b"<html" not in first.content
    with django_assert_max_num_queries(30):
        still = client.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert still.status_code == 304
    park(world.cast["product_manager"], event=again(event), text="Who pays for staging?")
    fresh = client.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert fresh.status_code == 200
    assert b"Who pays for staging?" in fresh.content


def test_the_page_costs_the_same_however_long_the_lists(event, world, web, django_assert_max_num_queries):
    from planning.actions.events import park
    from planning.actions.impediments import raise_impediment
    from planning.actions.risks import create_risk

    rte = world.cast["rte"]
    for n in range(6):
        park(rte, event=event, text=f"Topic {n}")
        raise_impediment(rte, team=world.ledger, title=f"Impediment {n}", pi=world.pi)
        create_risk(rte, train=world.train, pi=world.pi, title=f"Risk {n}", likelihood=2, impact=3)
    client = web("rte")
    with django_assert_max_num_queries(90):
        assert client.get(f"/o/northwind/planning-events/{event.key}/").status_code == 200


def test_a_parked_topic_is_settled_with_what_came_of_it(event, world, api):
    rest = api("team_member")
    root = "/api/v1/orgs/northwind/parking-lot"
    made = rest.post(f"{root}/park", {"event": event.key, "text": "Who pays for staging?"})
    assert made.status_code == 201, made.content
    item = made.json()["id"]
    assert rest.post(f"{root}/{item}/settle", {"outcome": " "}).status_code == 422
    assert rest.post(f"{root}/{item}/settle", {"outcome": "Platform does."}).json()["state"] == "settled"
