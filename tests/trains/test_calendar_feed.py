"""The iCalendar feed: read back by independent readers, strict line by line, secret, revocable, cheap to ask again."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
import time_machine
import vobject
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from releasetrain.kernel.clock import now
from trains.actions import feeds, freezes, windows
from trains.actions.milestones import create_milestone
from trains.actions.releases import edit_release
from trains.actions.scope import add_item, remove_item
from trains.models import CalendarFeed, RecurringWindow
from trains.queries.windows import recurrence_of
from trains.rules.recurrence import occurrences

DAY = timedelta(days=1)
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


def faults(content: bytes) -> list[str]:
    """What RFC 5545 says against the bytes, line by line: its grammar, and what each component must have."""
    found = []
    if not content.endswith(b"\r\n"):
        found.append("does not end with CRLF")
    lines = content.split(b"\r\n")[:-1]
    found += [f"line {n}: bare CR or LF" for n, line in enumerate(lines, 1) if b"\n" in line or b"\r" in line]
    found += [f"line {n}: {len(line)} octets" for n, line in enumerate(lines, 1) if len(line) > 75]
    unfolded = re.sub(rb"\r\n[ \t]", b"", content).decode("utf-8").split("\r\n")[:-1]
    name = re.compile(
        r"(?P<name>[A-Z][A-Z0-9-]*)(;[A-Z0-9-]+=(\"[^\"\x00-\x08\x0a-\x1f]*\"|[^\";:,\x00-\x1f]*))*:(?P<value>.*)"
    )
    stack: list[dict[str, list[str]]] = []
    kinds: list[str] = []
    uids: dict[tuple[str, str], int] = {}
    for text in unfolded:
        match = name.fullmatch(text)
        if match is None:
            found.append(f"no content line: {text[:60]}")
            continue
        key, value = match["name"], match["value"]
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
            found.append(f"{key}: control character")
        if key == "BEGIN":
            kinds.append(value)
            stack.append({})
        elif key == "END":
            if not kinds or kinds.pop() != value:
                found.append(f"END:{value} out of order")
            component = stack.pop()
            found += _of_component(value, component)
            if value == "VEVENT":
                uid = (component.get("UID", [""])[0], component.get("RECURRENCE-ID", [""])[0])
                uids[uid] = uids.get(uid, 0) + 1
        elif stack:
            stack[-1].setdefault(key, []).append(value)
            if key in ("SUMMARY", "DESCRIPTION") and re.search(
                r"(?<!\\)(\\\\)*\\[^\\;,nN]|(?<!\\)(\\\\)*[;,]", value
            ):
                found.append(f"{key}: unescaped {value[:60]}")
    found += [f"UID twice: {uid}" for uid, count in uids.items() if count > 1]
    return found + ([f"not closed: {kinds}"] if kinds else [])


def _of_component(kind: str, has: dict[str, list[str]]) -> list[str]:
    moment = r"\d{8}(T\d{6}Z?)?"
    once = {
        "UID",
        "DTSTAMP",
        "DTSTART",
        "DTEND",
        "DURATION",
        "SEQUENCE",
        "SUMMARY",
        "DESCRIPTION",
        "URL",
        "PRODID",
        "VERSION",
        "METHOD",
        "RRULE",
    }
    found = [
        f"{kind}: {key} stands {len(v)} times"
        for key, v in has.items()
        if key in once and len(v) > 1 and kind in ("VEVENT", "VCALENDAR")
    ]
    needed = {
        "VCALENDAR": ("PRODID", "VERSION"),
        "VEVENT": ("UID", "DTSTAMP", "DTSTART"),
        "VTIMEZONE": ("TZID",),
    }.get(kind, ())
    found += [f"{kind} without {key}" for key in needed if key not in has]
    if kind == "VEVENT":
        if "DTEND" in has and "DURATION" in has:
            found.append("VEVENT with DTEND and DURATION")
        found += [
            f"{k}: {v}" for k in ("DTSTART", "DTEND") for v in has.get(k, []) if not re.fullmatch(moment, v)
        ]
        found += [
            f"DTSTAMP not in UTC: {v}" for v in has.get("DTSTAMP", []) if not re.fullmatch(r"\d{8}T\d{6}Z", v)
        ]
        found += [f"SEQUENCE: {v}" for v in has.get("SEQUENCE", []) if not v.isdigit()]
    return found


def test_the_validator_finds_what_it_is_for() -> None:
    head, tail = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n", b"END:VCALENDAR\r\n"
    event = b"BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101\r\n%sEND:VEVENT\r\n"
    assert not faults(head + event % b"" + tail)
    for bad in (
        b"SUMMARY:a,b\r\n",
        b"SUMMARY:" + b"x" * 80 + b"\r\n",
        b"UID:2\r\n",
        b"nonsense\r\n",
        b"SUMMARY:a\n\r\n",
    ):
        assert faults(head + event % bad + tail), bad
    assert faults(head + event % b"" + event % b"" + tail) == ["UID twice: ('1', '')"]
    assert faults(head) and faults((head + tail).replace(b"\r\n", b"\n"))


@pytest.fixture
def subscribed(world: Any, cast: Any, client: Any) -> Any:
    """A world with something of every kind on the calendar, and the auditor's feed."""
    base = now().replace(minute=0, second=0, microsecond=0)
    world.base = base
    world.planned = world.frozen(
        "7.0.0", target_at=base + 20 * DAY, name="Æther; \u201cbig\u201d, bold\\release " + "long " * 15
    )
    windows.create_member(world.as_["release_manager"], release=world.planned, service=world.ledger)
    world.freeze = freezes.create_freeze(
        world.as_["rte"],
        name="Year end, all trains; no exceptions",
        starts=base + 19 * DAY,
        ends=base + 25 * DAY,
        reason="Books",
    )
    create_milestone(world.as_["rte"], train=world.train, name="Réglementation", on=(base + 9 * DAY).date())
    world.deploy("6.9.0", started_at=base - 3 * DAY, finished_at=base - 3 * DAY)
    for zone in ZONES:
        windows.create_window(
            world.as_["rte"], kind=RecurringWindow.Kind.MAINTENANCE, name=f"Patches {zone}", environment=world.production,
            first_day=base.date(), at="01:30", minutes=90, rrule="FREQ=DAILY;INTERVAL=2", time_zone=zone,
        )  # fmt: skip
    windows.create_window(
        world.as_["rte"], kind=RecurringWindow.Kind.MAINTENANCE, name="Leap", environment=world.production,
        first_day=date(2024, 2, 29), at="12:00", minutes=60, rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", time_zone="Europe/London",
    )  # fmt: skip
    world.address = feeds.subscribe_feed(cast["auditor"], name="Phone")["address"]
    world.read = lambda **headers: client.get(world.address, headers=headers)
    return world


def events(content: bytes) -> dict[str, Any]:
    return {str(e["UID"]): e for e in Calendar.from_ical(content).walk("VEVENT")}


def test_the_feed_is_valid_and_read_back_by_an_independent_reader(subscribed: Any) -> None:
    response = subscribed.read()
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert faults(response.content) == []
    read = events(response.content)
    release = read[f"release-{subscribed.planned.pk}@releasetrain"]
    assert release.start == subscribed.planned.target_at
    assert "FEAT-1 Instant payments" in str(release["DESCRIPTION"])
    assert "is planned inside Year end, all trains; no exceptions" in str(release["DESCRIPTION"])
    freeze = read[f"freeze-{subscribed.freeze.pk}@releasetrain"]
    assert str(freeze["SUMMARY"]) == "Year end, all trains; no exceptions (All trains)"
    assert "7.0.0" not in str(freeze["SUMMARY"])
    assert subscribed.planned.key in str(freeze["DESCRIPTION"])
    assert any(str(e["SUMMARY"]).startswith("Réglementation") for e in read.values())


def test_other_readers_expand_windows_to_the_same_moments_in_every_zone(subscribed: Any) -> None:
    content = subscribed.read().content
    calendar = Calendar.from_ical(content)
    # A year: both changes of each clock, and the last of February of a year that is no leap year.
    starts, ends = subscribed.base, subscribed.base + 365 * DAY
    theirs: dict[str, set[tuple[datetime, datetime]]] = {}
    for event in recurring_ical_events.of(calendar).between(starts, ends):
        if isinstance(event.start, datetime):
            theirs.setdefault(str(event["UID"]), set()).add(
                (event.start.astimezone(UTC), event.end.astimezone(UTC))
            )
    checked = 0
    for window in RecurringWindow.objects.all():
        ours = {(o.starts, o.ends) for o in occurrences(recurrence_of(window), starts, ends)}
        found = theirs.get(f"maintenance-{window.pk}@releasetrain", set())
        assert {s for s, _ in found} == {s for s, _ in ours}, window.name
        checked += len(ours)
    assert checked > 900


def test_two_further_clients_read_and_validate_the_feed(subscribed: Any) -> None:
    """`ical` is strict (typed by pydantic), `vobject` the reader of many CalDAV clients; neither wrote the feed."""
    text = subscribed.read().content.decode()
    written = events(text.encode())

    parsed = vobject.readOne(text)
    assert parsed.validate(raiseException=True)
    assert {e.uid.value for e in parsed.vevent_list} == set(written)
    release = next(e for e in parsed.vevent_list if e.uid.value.startswith("release-"))
    assert release.dtstart.value == subscribed.planned.target_at
    assert subscribed.planned.key in release.summary.value
    assert "FEAT-1 Instant payments" in release.description.value

    strict = IcsCalendarStream.calendar_from_ics(text)
    assert {e.uid for e in strict.events} == set(written)
    starts, ends = subscribed.base, subscribed.base + 365 * DAY
    theirs: dict[str, set[datetime]] = {}
    for event in strict.timeline_tz(ZoneInfo("UTC")).overlapping(starts, ends):
        if isinstance(event.dtstart, datetime):
            theirs.setdefault(str(event.uid), set()).add(event.dtstart.astimezone(UTC))
    for window in RecurringWindow.objects.all():
        ours = {o.starts for o in occurrences(recurrence_of(window), starts, ends)}
        assert theirs.get(f"maintenance-{window.pk}@releasetrain", set()) == ours, window.name


def test_a_change_of_date_or_scope_is_a_new_revision_of_the_same_event(subscribed: Any) -> None:
    manager = subscribed.as_["release_manager"]
    release = subscribed.release("8.0.0", target_at=subscribed.base + 40 * DAY)
    uid = f"release-{release.pk}@releasetrain"
    first = events(subscribed.read().content)[uid]
    assert events(subscribed.read().content)[uid].to_ical() == first.to_ical()
    edit_release(manager, release, target_at=subscribed.base + 41 * DAY)
    second = events(subscribed.read().content)[uid]
    assert second.start == subscribed.base + 41 * DAY
    assert int(second["SEQUENCE"]) > int(first["SEQUENCE"])
    assert second["DTSTAMP"].dt >= first["DTSTAMP"].dt
    item = add_item(manager, release, title="Stop double booking", cause="Found in production")
    content = subscribed.read().content
    third = events(content)[uid]
    assert int(third["SEQUENCE"]) > int(second["SEQUENCE"])
    assert "added Stop double booking (Found in production)" in str(third["DESCRIPTION"])
    change = events(content)[f"scope-{release.pk}-{now():%Y%m%d}@releasetrain"]
    assert str(change["SUMMARY"]) == f"{release.key}: 1 scope change (Payments)"
    remove_item(manager, release, item=item, cause="Not needed after all")
    content = subscribed.read().content
    fourth = events(content)
    assert int(fourth[uid]["SEQUENCE"]) > int(third["SEQUENCE"])
    assert "removed Stop double booking" in str(fourth[str(change["UID"])]["DESCRIPTION"])
    assert faults(content) == []


def test_an_unchanged_feed_is_answered_with_304(subscribed: Any) -> None:
    first = subscribed.read()
    tag = first["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    same = subscribed.read(if_none_match=tag)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    freezes.cancel_freeze(subscribed.as_["rte"], subscribed.freeze, reason="Books closed early")
    changed = subscribed.read(if_none_match=f"W/{tag}")
    assert changed.status_code == 200
    assert changed["ETag"] != tag
    assert f"freeze-{subscribed.freeze.pk}@releasetrain" not in events(changed.content)


def test_the_address_is_secret_revocable_and_of_a_member(
    subscribed: Any, client: Any, cast: Any, web: Any, api: Any
) -> None:
    row = CalendarFeed.objects.get()
    secret = subscribed.address.rsplit("/", 1)[1].removesuffix(".ics")
    assert len(secret) >= 43
    assert secret.encode() not in bytes(row.secret_hash)
    assert client.get(subscribed.address.replace(secret, "x" * 43)).status_code == 404
    assert client.get(subscribed.address.replace("northwind", "contoso")).status_code == 404
    listed = api("release_manager").get("/api/v1/orgs/northwind/calendar-feeds").json()
    assert str(row.pk) not in str(listed)
    mine = api("auditor").get(f"/api/v1/orgs/northwind/calendar-feeds/{row.pk}")
    assert mine.status_code == 200
    assert "secret" not in mine.content.decode()
    revoked = api("auditor").post(f"/api/v1/orgs/northwind/calendar-feeds/{row.pk}/revoke", {}, format="json")
    assert revoked.status_code == 200
    assert subscribed.read().status_code == 404
    page = (
        web("auditor")
        .post("/o/northwind/calendar/subscribe/", {"name": "Desk", "train": "PAY"})
        .content.decode()
    )
    address = re.search(r"/calendar/northwind/[\w-]{43}\.ics", page)
    assert address
    assert client.get(address[0]).status_code == 200
    assert address[0] not in web("auditor").get("/o/northwind/calendar/subscribe/").content.decode()
    made = (
        api("auditor")
        .post("/api/v1/orgs/northwind/calendar-feeds/subscribe", {"name": "REST"}, format="json")
        .json()
    )
    assert client.get(made["result"]["address"]).status_code == 200
    from releasetrain.accounts.models import Membership

    Membership.objects.filter(user_id=cast["auditor"].user_id).update(suspended_at=now())
    assert client.get(made["result"]["address"]).status_code == 404


def test_the_feed_holds_only_what_its_person_may_see(subscribed: Any, monkeypatch: Any) -> None:
    from releasetrain.interface.resources import resource_of
    from trains.models import Freeze

    resource = resource_of(Freeze)
    assert resource is not None
    assert f"freeze-{subscribed.freeze.pk}@releasetrain" in events(subscribed.read().content)
    monkeypatch.setattr(resource, "requires", "members.manage")
    assert f"freeze-{subscribed.freeze.pk}@releasetrain" not in events(subscribed.read().content)


def test_the_feed_stays_small_in_queries(subscribed: Any, django_assert_max_num_queries: Any) -> None:
    subscribed.read()
    with django_assert_max_num_queries(80):
        assert subscribed.read().status_code == 200


def test_the_feed_is_right_on_a_leap_day(subscribed: Any) -> None:
    with time_machine.travel("2028-02-29T06:00:00Z", tick=False):
        content = subscribed.read().content
    found = recurring_ical_events.of(Calendar.from_ical(content)).at((2028, 2, 29))
    assert [e.start.astimezone(UTC) for e in found if str(e["SUMMARY"]).startswith("Leap")] == [
        datetime(2028, 2, 29, 12, tzinfo=UTC)
    ]
