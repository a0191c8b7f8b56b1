"""Shared resources: what is booked twice is refused, by the rule and by the database; the queue and escalation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions import bookings
from trains.models import Booking, SharedResource
from trains.rules.intervals import Interval, full, intersected, merged, nearest_free, units

ZERO = datetime(2026, 1, 1, tzinfo=UTC)


def hours(starts: int, ends: int) -> Interval:
    return Interval(ZERO + timedelta(hours=starts), ZERO + timedelta(hours=ends))


some = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda p: hours(p[0], p[0] + p[1])), max_size=14
)


def at_once(intervals: list[Interval], hour: int) -> int:
    moment = ZERO + timedelta(hours=hour)
    return sum(1 for each in intervals if each.starts <= moment < each.ends)


@given(some, st.integers(1, 4))
def test_units_are_found_exactly_when_no_moment_needs_more(taken: list[Interval], capacity: int) -> None:
    dealt = units(taken, capacity)
    fits = all(at_once(taken, hour) <= capacity for hour in range(80))
    assert (dealt is not None) == fits
    for i, one in enumerate(taken if dealt else []):
        for j, other in enumerate(taken[:i]):
            assert dealt is not None
            assert dealt[i] != dealt[j] or not one.overlaps(other)


@given(some, st.integers(1, 3))
def test_full_is_where_all_units_are_taken(taken: list[Interval], capacity: int) -> None:
    found = full(taken, capacity)
    for hour in range(80):
        assert at_once(found, hour) == (at_once(taken, hour) >= capacity)


@given(some, some)
def test_intersection_is_what_lies_in_both(left: list[Interval], right: list[Interval]) -> None:
    both = intersected(left, right)
    for hour in range(80):
        assert at_once(both, hour) == (at_once(merged(left), hour) and at_once(merged(right), hour))


@given(some, st.integers(0, 60), st.integers(1, 10))
def test_the_nearest_free_slot_is_free_and_none_is_nearer(
    busy: list[Interval], start: int, length: int
) -> None:
    wanted = hours(start, start + length)
    slot = nearest_free(busy, wanted, earliest=ZERO)
    assert slot is not None
    assert slot.length == wanted.length
    assert slot.starts >= ZERO
    assert not any(slot.overlaps(each) for each in busy)
    for other in range(80):
        rival = hours(other, other + length)
        if not any(rival.overlaps(each) for each in busy):
            assert abs(slot.starts - wanted.starts) <= abs(rival.starts - wanted.starts)


@pytest.fixture
def lab(world: Any) -> Any:
    world.lab = bookings.create_resource(
        world.as_["rte"], name="Staging lab", kind=SharedResource.Kind.ENVIRONMENT
    )
    world.one, world.two = world.release("1.0.0", tier=3), world.release("2.0.0", tier=1)
    return world


def book(world: Any, release: Any, starts: float, ends: float, resource: Any = None, **said: Any) -> Booking:
    base = now().replace(minute=0, second=0, microsecond=0)
    booking: Booking = bookings.create_booking(
        world.as_["release_manager"],
        resource=resource or world.lab,
        release=release,
        starts=base + timedelta(hours=starts),
        ends=base + timedelta(hours=ends),
        **said,
    )
    return booking


def test_an_exclusive_resource_is_booked_once_and_edges_touch(lab: Any) -> None:
    first = book(lab, lab.one, 2, 4)
    book(lab, lab.two, 4, 6)
    with pytest.raises(Refused) as refused:
        book(lab, lab.two, 3, 5)
    refusal = refused.value.refusals[0]
    assert refusal.blocked_by is not None
    assert refusal.blocked_by.id == str(first.pk)
    assert first.key in refusal.sentence
    assert f"{first.starts + timedelta(hours=4):%H:%M} – " in refusal.remedy
    assert refusal.status == 409


def test_the_database_itself_refuses_what_overlaps(lab: Any) -> None:
    first = book(lab, lab.one, 2, 4)
    said = {"resource": lab.lab, "release": lab.two, "state": "booked", "unit": 1}
    with pytest.raises(IntegrityError, match="booking_unit_once"), transaction.atomic():
        Booking.objects.create(**said, starts=first.starts + timedelta(hours=1), ends=first.ends)
    with pytest.raises(IntegrityError, match="unit 2"), transaction.atomic():
        Booking.objects.create(**said | {"unit": 2}, starts=first.ends, ends=first.ends + timedelta(hours=1))
    Booking.objects.create(**said, starts=first.ends, ends=first.ends + timedelta(hours=1))


def test_counted_units_are_dealt_anew_to_make_room(lab: Any) -> None:
    phones = bookings.create_resource(
        lab.as_["rte"], name="Test phones", kind=SharedResource.Kind.DEVICE, capacity=2
    )
    # 1: [2,4) and 2: [3,6) and 1: [5,8); then [6,7) needs 2, and [4,5) any.
    book(lab, lab.one, 2, 4, phones)
    book(lab, lab.one, 3, 6, phones)
    book(lab, lab.one, 5, 8, phones)
    assert book(lab, lab.two, 6, 7, phones).unit == 2
    with pytest.raises(Refused, match="is taken by"):
        book(lab, lab.two, 3, 4, phones)
    # Units 1 and 2 are each free for a part of [20,24) only, yet one phone is free all the time.
    gone, early = book(lab, lab.one, 20, 22, phones), book(lab, lab.one, 20, 22, phones)
    bookings.cancel_booking(lab.as_["release_manager"], gone, reason="Not needed")
    late = book(lab, lab.one, 22, 24, phones)
    assert (early.unit, late.unit) == (2, 1)
    whole = book(lab, lab.two, 20, 24, phones)
    early.refresh_from_db()
    late.refresh_from_db()
    assert early.unit == late.unit != whole.unit
    with pytest.raises(Refused) as refused:
        bookings.edit_resource(lab.as_["rte"], phones, capacity=1)
    assert refused.value.refusals[0].field == "capacity"


def test_the_queue_serves_business_impact_first_and_escalation_decides(lab: Any) -> None:
    held = book(lab, lab.one, 2, 6)
    third = lab.release("3.0.0", tier=3)
    low = book(lab, third, 2, 6, queue=True)
    high = book(lab, lab.two, 3, 5, queue=True)
    assert [low.state, high.state, high.unit] == ["queued", "queued", None]
    from trains.queries.bookings import queue_of

    assert [w.booking.key for w in queue_of(lab.lab)] == [high.key, low.key]
    assert queue_of(lab.lab)[0].holders == [held]
    bookings.escalate_booking(lab.as_["release_manager"], high, reason="Regulator's date")
    with pytest.raises(Refused, match="escalated already"):
        bookings.escalate_booking(lab.as_["release_manager"], high, reason="again")
    bookings.give_way(lab.as_["rte"], held, to=high, reason="The regulator waits for nobody")
    for each in (held, high, low):
        each.refresh_from_db()
    assert [held.state, high.state, low.state] == ["queued", "booked", "queued"]
    bookings.cancel_booking(lab.as_["release_manager"], high, reason="Not needed")
    for each in (held, low):
        each.refresh_from_db()
    # Equal impact: who asked first.
    assert [held.state, low.state] == ["booked", "queued"]


def test_only_the_named_person_decides_a_conflict(lab: Any, cast: Any) -> None:
    from releasetrain.accounts.models import User

    owner = User.objects.get(pk=cast["owner"].user_id)
    bookings.edit_resource(lab.as_["rte"], lab.lab, decider=owner.email)
    held, waits = book(lab, lab.one, 2, 6), book(lab, lab.two, 2, 6, queue=True)
    with pytest.raises(Refused) as refused:
        bookings.give_way(lab.as_["rte"], held, to=waits, reason="Now")
    assert refused.value.status == 403
    with pytest.raises(Refused) as refused:
        bookings.edit_resource(lab.as_["rte"], lab.lab, decider="nobody@nowhere.example")
    assert refused.value.refusals[0].field == "decider"


def test_moving_frees_the_old_window_for_who_waits(lab: Any) -> None:
    held, waits = book(lab, lab.one, 2, 6), book(lab, lab.two, 2, 6, queue=True)
    bookings.move_booking(
        lab.as_["release_manager"],
        held,
        starts=held.starts + timedelta(hours=10),
        ends=held.ends + timedelta(hours=10),
    )
    waits.refresh_from_db()
    assert waits.state == "booked"
    with pytest.raises(Refused, match="is taken by"):
        bookings.move_booking(lab.as_["release_manager"], held, starts=waits.starts, ends=waits.ends)


def test_booking_through_rest_and_on_the_page(lab: Any, api: Any, web: Any, moment: Any) -> None:
    client = api("release_manager")
    path = "/api/v1/orgs/northwind/bookings"
    body = {
        "resource": "Staging lab",
        "release": lab.one.key,
        "starts": moment(2).isoformat(),
        "ends": moment(4).isoformat(),
    }
    made = client.post(path, body, format="json")
    assert made.status_code == 201, made.content
    refused = client.post(path, body | {"release": lab.two.key}, format="json")
    assert refused.status_code == 409
    assert made.json()["key"] in refused.content.decode()
    waits = client.post(path, body | {"release": lab.two.key, "queue": True}, format="json")
    assert waits.json()["state"] == "queued"
    late = client.post(path, body | {"ends": moment(1).isoformat()}, format="json")
    assert late.status_code == 422
    page = web("release_manager").get("/o/northwind/shared-resources/Staging lab/").content.decode()
    assert waits.json()["key"] in page
    assert "nearest free" in page
    calendar = web("release_manager").get("/o/northwind/calendar/").content.decode()
    assert f"Staging lab: {lab.one.key}" in calendar
