"""The calendar: conflicts on both sides, landing windows, business calendars, load, on-call, ceremonies, freezes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.actions import business_calendars, ceremonies, freezes, on_call, vendors, windows
from trains.actions.deployments import record_deployment
from trains.actions.teams import create_team
from trains.actions.trains import create_train
from trains.models import BusinessCalendar, LoadLimit, RecurringWindow, Release, Vendor, VendorNotice
from trains.queries.closed_days import cadence_collisions
from trains.queries.conflicts import conflicts_between, conflicts_with
from trains.queries.load import portfolio
from trains.queries.on_call import who_is_on_call

DAY = timedelta(days=1)
Kind = RecurringWindow.Kind
API = "/api/v1/orgs/northwind"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def monday() -> Any:
    """Monday, 1 March 2027, noon: the clock of London springs forward on the 28th."""
    with time_machine.travel(at("2027-03-01T12:00"), tick=False):
        yield at("2027-03-01T12:00")


def quarterly(world: Any, service: Any = None, **said: Any) -> RecurringWindow:
    """The mainframe's window: the last Saturday of each quarter, 22:00 to 02:00 in London."""
    given = {
        "kind": Kind.DEPLOYMENT,
        "name": "Mainframe quarter",
        "service": service or world.ledger,
        "first_day": date(2027, 3, 27),
        "at": "22:00",
        "minutes": 240,
        "rrule": "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYDAY=-1SA",
        "time_zone": "Europe/London",
    }
    if said.get("kind") == Kind.MAINTENANCE:
        del given["service"]
    made: RecurringWindow = windows.create_window(world.as_["rte"], **{**given, **said})
    return made


def test_a_release_lands_in_the_slow_members_next_window(world: Any, monday: Any) -> None:
    quarterly(world)
    release = world.release("1.0.0")
    for service in (world.ledger, world.web):
        windows.create_member(world.as_["release_manager"], release=release, service=service)
    planned = windows.plan_into_window(world.as_["release_manager"], release, minutes=120)
    assert planned.target_at == at("2027-03-27T22:00")
    # In summer the same wall clock is an hour earlier in UTC.
    later = windows.plan_into_window(
        world.as_["release_manager"], planned, minutes=120, not_before=at("2027-04-10T00:00")
    )
    assert later.target_at == at("2027-06-26T21:00")
    freezes.create_freeze(
        world.as_["rte"],
        name="Half year",
        starts=at("2027-06-25T00:00"),
        ends=at("2027-07-05T00:00"),
        reason="Books",
    )
    after = windows.plan_into_window(
        world.as_["release_manager"], later, minutes=120, not_before=at("2027-04-10T00:00")
    )
    assert after.target_at == at("2027-09-25T21:00")


def test_the_member_that_makes_it_impossible_is_named(world: Any, monday: Any, api: Any) -> None:
    quarterly(world)
    quarterly(
        world,
        world.web,
        name="Web",
        first_day=date(2027, 3, 2),
        at="10:00",
        minutes=60,
        rrule="FREQ=WEEKLY;BYDAY=TU",
    )
    release = world.release("1.0.0")
    for service in (world.ledger, world.web):
        windows.create_member(world.as_["release_manager"], release=release, service=service)
    with pytest.raises(Refused) as refused:
        windows.plan_into_window(world.as_["release_manager"], release, minutes=60)
    assert "ledger shares no window with the others" in refused.value.refusals[0].sentence
    answer = api("auditor").get(f"{API}/releases/{release.key}/landing?minutes=600").json()
    assert answer["slot"] is None
    assert answer["member"] == "ledger"
    assert "no window of 600 minutes" in answer["impossible"]


def test_windows_refuse_what_does_not_recur_or_belongs_to_nothing(world: Any, monday: Any, api: Any) -> None:
    client = api("rte")
    body = {
        "kind": "deployment",
        "name": "W",
        "service": "ledger",
        "first_day": "2027-03-02",
        "at": "22:00",
        "minutes": 60,
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "time_zone": "Europe/London",
    }
    assert client.post(f"{API}/windows", body, format="json").status_code == 201
    for change, field in (
        ({"rrule": "FREQ=SOMETIMES"}, "rrule"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=MO"}, "rrule"),
        ({"at": "25:00"}, "at"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"service": None}, "service"),
        ({"kind": "vendor"}, "service"),
    ):
        refused = client.post(f"{API}/windows", body | change, format="json")
        assert refused.status_code == 422, (change, refused.content)
        assert field in refused.content.decode()


def test_conflicts_are_seen_from_both_sides_with_the_nearest_free_slot(
    world: Any, monday: Any, web: Any
) -> None:
    release = world.release("1.0.0", target_at=at("2027-03-10T09:00"))
    windows.create_member(world.as_["release_manager"], release=release, service=world.ledger)
    freeze = freezes.create_freeze(
        world.as_["rte"],
        name="Audit week",
        starts=at("2027-03-09T00:00"),
        ends=at("2027-03-11T00:00"),
        reason="Audit",
    )
    vendor = vendors.create_vendor(world.as_["rte"], name="Hostline", kind=Vendor.Kind.SAAS)
    vendors.create_vendor_service(world.as_["rte"], vendor=vendor, service=world.ledger)
    notice = vendors.create_notice(
        world.as_["rte"],
        vendor=vendor,
        kind=VendorNotice.Kind.MAINTENANCE,
        title="Database upgrade",
        starts=at("2027-03-10T08:00"),
        ends=at("2027-03-11T06:00"),
    )
    found = conflicts_between(monday, monday + 30 * DAY, None)
    assert {str(c.source) for c in found} == {"Audit week", "Database upgrade"}
    assert {c.free.starts for c in found if c.free} == {at("2027-03-11T06:00")}
    assert [c.release for c in conflicts_with(freeze)] == [release]
    assert [c.release for c in conflicts_with(notice)] == [release]
    client = web("release_manager")
    for path in (
        f"freezes/{freeze.pk}/",
        f"vendor-notices/{notice.pk}/",
        "calendar/?view=list",
        "calendar/?view=week&from=2027-03-08",
    ):
        page = client.get(f"/o/northwind/{path}").content.decode()
        assert "is planned inside" in page, path
    cockpit = client.get(f"/o/northwind/releases/{release.key}/").content.decode()
    assert "is planned inside Hostline: Database upgrade" in cockpit
    # A release exactly at the end of a window is free: edges are half-open.
    free = world.release("2.0.0", target_at=at("2027-03-11T06:00"))
    assert free not in [c.release for c in conflicts_between(monday, monday + 30 * DAY, None)]


def test_maintenance_and_own_windows_are_conflicts_too(world: Any, monday: Any, api: Any) -> None:
    quarterly(world)
    maintenance = quarterly(
        world, kind=Kind.MAINTENANCE, name="Patch night", environment=world.production,
        first_day=date(2027, 3, 5), at="20:00", minutes=180, rrule="FREQ=WEEKLY",
    )  # fmt: skip
    release = world.release("1.0.0", target_at=at("2027-03-12T21:00"))
    windows.create_member(world.as_["release_manager"], release=release, service=world.ledger)
    answer = api("auditor").get(f"{API}/calendar/events?train=PAY").json()
    assert {c["with"]["label"] for c in answer["conflicts"]} == {"Patch night", "ledger"}
    assert {c["nearest_free"]["starts"] for c in answer["conflicts"]} == {"2027-03-27T22:00:00Z"}
    met = [e for e in answer["events"] if e["conflict"] and e["kind"] == "maintenance"]
    assert [e["starts"] for e in met] == ["2027-03-12T20:00:00Z"]
    assert conflicts_with(maintenance)[0].release == release


def test_freezes_are_half_open_and_can_be_edited(world: Any, monday: Any) -> None:
    rte = world.as_["rte"]
    freeze = freezes.create_freeze(
        rte,
        name="Close",
        starts=monday + DAY,
        ends=monday + 2 * DAY,
        reason="Books",
        environment=world.production,
    )
    freezes.edit_freeze(rte, freeze, ends=monday + 3 * DAY)
    from trains.queries import active_freezes

    def frozen(moment: datetime) -> bool:
        return bool(active_freezes(world.train, world.production, world.ledger, moment))

    tick = timedelta(microseconds=1)
    assert [frozen(monday + DAY - tick), frozen(monday + DAY)] == [False, True]
    assert [frozen(monday + 3 * DAY - tick), frozen(monday + 3 * DAY)] == [True, False]
    with pytest.raises(Refused) as refused:
        freezes.edit_freeze(rte, freeze, ends=monday + DAY)
    assert refused.value.refusals[0].field == "ends"
    with time_machine.travel(monday + 2 * DAY, tick=False):
        freeze.refresh_from_db()
        with pytest.raises(Refused, match="has begun"):
            freezes.edit_freeze(rte, freeze, starts=monday)
        freezes.edit_freeze(rte, freeze, ends=monday + 2 * DAY)
        assert not frozen(now())
    with time_machine.travel(monday + 9 * DAY, tick=False), pytest.raises(Refused, match="is over"):
        freezes.edit_freeze(rte, freeze, ends=monday + 20 * DAY)


def test_the_cadence_planner_lists_collisions_and_the_nearest_clean_shift(
    world: Any, monday: Any, api: Any, web: Any
) -> None:
    rte = world.as_["rte"]
    holidays = business_calendars.create_calendar(
        rte,
        name="England",
        kind=BusinessCalendar.Kind.HOLIDAYS,
        country="gb",
        subdivision="eng",
        time_zone="Europe/London",
    )
    fiscal = business_calendars.create_calendar(
        rte, name="Quarter close", kind=BusinessCalendar.Kind.FISCAL, train=world.train
    )
    business_calendars.create_period(
        rte,
        calendar=fiscal,
        name="Close",
        first_day=date(2027, 3, 30),
        days=3,
        rrule="FREQ=MONTHLY;BYMONTH=3,6,9,12;BYMONTHDAY=30",
    )
    # 26 March 2027 is Good Friday, the 29th Easter Monday; then the books are closed from 30 March to 1 April.
    easter = world.release("1.0.0", target_at=at("2027-03-26T09:00"))
    books = world.release("2.0.0", target_at=at("2027-03-31T09:00"))
    world.release("3.0.0", target_at=at("2027-04-02T09:00"))
    found = {c.subject: c for c in cadence_collisions(world.train) if isinstance(c.subject, Release)}
    assert set(found) == {easter, books}
    assert found[easter].proposed == date(2027, 3, 25)
    assert found[books].proposed == date(2027, 4, 2)
    assert found[books].shift == 2
    # Every tenth Monday from 22 March: 31 May is the Spring bank holiday.
    lending = create_train(rte, key="LND", name="Lending", cadence_start=date(2027, 3, 22))
    boundaries = [(c.day, c.run.source, c.proposed) for c in cadence_collisions(lending)]
    assert boundaries[0] == (date(2027, 5, 31), holidays, date(2027, 6, 1))
    answer = api("auditor").get(f"{API}/calendar/cadence?train=LND").json()
    assert {"day": "2027-05-31", "proposed": "2027-06-01"}.items() <= next(
        c for c in answer["collisions"] if c["day"] == "2027-05-31"
    ).items()
    page = web("rte").get("/o/northwind/calendar/cadence/").content.decode()
    assert "Good Friday" in page
    assert "Tue 1 Jun 2027" in page
    for change, field in (
        ({"country": "XX"}, "country"),
        ({"country": "GB", "subdivision": "XX"}, "subdivision"),
        ({}, "country"),
    ):
        with pytest.raises(Refused) as refused:
            business_calendars.create_calendar(rte, name="Bad", kind=BusinessCalendar.Kind.HOLIDAYS, **change)
        assert refused.value.refusals[0].field == field


def test_portfolio_load_and_the_moves_that_lower_its_peak(
    world: Any, monday: Any, api: Any, web: Any
) -> None:
    windows.create_limit(world.as_["rte"], kind=LoadLimit.Kind.DESK, name="Support desk", weekly=5)
    windows.create_limit(
        world.as_["rte"], kind=LoadLimit.Kind.SERVICE, name="Ledger", weekly=8, service=world.ledger
    )
    first = world.release("1.0.0", tier=1, target_at=at("2027-03-11T09:00"))
    second = world.release("2.0.0", tier=1, target_at=at("2027-03-12T09:00"))
    windows.create_member(world.as_["release_manager"], release=first, service=world.ledger)
    found = portfolio(monday.date(), 6)
    assert [(c.limit.name, x.week, x.load) for c, x in found.overloads] == [
        ("Support desk", date(2027, 3, 8), 8)
    ]
    assert (found.peak, found.proposals) == (160, [])
    windows.set_allowed_window(
        world.as_["release_manager"],
        release=second,
        earliest=at("2027-03-12T00:00"),
        latest=at("2027-03-27T00:00"),
    )
    found = portfolio(monday.date(), 6)
    assert [(p.release, p.target) for p in found.proposals] == [(second, at("2027-03-19T09:00"))]
    assert found.peak_after == 80
    answer = api("auditor").get(f"{API}/calendar/load?from=2027-03-01").json()
    assert answer["proposals"][0]["target_at"] == "2027-03-19T09:00:00Z"
    page = web("rte").get("/o/northwind/calendar/load/").content.decode()
    assert "peak 160 % → 80 %" in page


@pytest.fixture
def rota(world: Any, cast: Any, monday: Any) -> Any:
    from releasetrain.accounts.models import User

    world.mail = {role: User.objects.get(pk=cast[role].user_id).email for role in ("rte", "owner", "auditor")}
    world.rota = on_call.create_rotation(
        cast["rte"], name="Payments", train=world.train, time_zone="Europe/London"
    )
    on_call.add_layer(
        cast["rte"],
        world.rota,
        people=[world.mail["rte"], world.mail["owner"]],
        first_day=date(2027, 3, 1),
        hand_over="09:00",
    )
    return world


def names(world: Any, moment: str) -> list[str | None]:
    return [e.person.email if e.person else None for e in who_is_on_call(train=world.train, at=at(moment))]


def test_who_is_on_call_follows_turns_overrides_and_the_clock(rota: Any, api: Any, web: Any) -> None:
    mail = rota.mail
    assert names(rota, "2027-03-04T00:00") == [mail["rte"]]
    assert names(rota, "2027-03-08T08:59") == [mail["rte"]]
    assert names(rota, "2027-03-08T09:00") == [mail["owner"]]
    # After the clock has moved, 09:00 in London is 08:00 UTC.
    assert names(rota, "2027-03-29T07:59") == [mail["owner"]]
    assert names(rota, "2027-03-29T08:00") == [mail["rte"]]
    with pytest.raises(Refused) as refused:
        on_call.override(
            rota.as_["auditor"],
            rota.rota,
            person=mail["auditor"],
            starts=at("2027-03-03T00:00"),
            ends=at("2027-03-04T00:00"),
        )
    assert refused.value.status == 403
    stand_in = on_call.override(
        rota.as_["owner"],
        rota.rota,
        person=mail["auditor"],
        starts=at("2027-03-03T00:00"),
        ends=at("2027-03-04T00:00"),
    )
    assert names(rota, "2027-03-03T12:00") == [mail["auditor"]]
    on_call.cancel_override(rota.as_["owner"], stand_in, reason="Back again")
    assert names(rota, "2027-03-03T12:00") == [mail["rte"]]
    on_call.hand_over(rota.as_["rte"], rota.rota, text="Watch the queue of settlements")
    answer = api("auditor").get(f"{API}/on-call/now?service=ledger").json()["on_call"]
    assert answer[0]["email"] == mail["rte"]
    assert answer[0]["until"] == "2027-03-08T09:00:00Z"
    assert answer[0]["note"] == "Watch the queue of settlements"
    assert api("auditor").get(f"{API}/on-call/now?platform=identity").json()["on_call"] == []
    assert api("auditor").get(f"{API}/on-call/now?at=yesterday").status_code == 422
    page = web("auditor").get("/o/northwind/on-call/").content.decode()
    assert "Watch the queue" in page


def test_escalations_incidents_rollbacks_and_the_wall_ask_who_is_on_call(
    rota: Any, web: Any, api: Any, cast: Any
) -> None:
    from planning.queries.wall import on_call as wall_panel
    from problems.actions.incidents import record_incident
    from trains.actions.deployments import record_deployment
    from trains.actions.escalations import add_level, create_policy
    from trains.models import Environment, Service
    from trains.queries.escalations import people_of

    answering = who_is_on_call(train=rota.train)[0].person
    policy = create_policy(rota.as_["rte"], name="Promises", subject_kind="traindependency")
    with pytest.raises(Refused) as refused:
        add_level(rota.as_["rte"], policy, after_minutes=5, on_call=True, person=answering)
    assert refused.value.refusals[0].code == "escalation_level.who"
    level = add_level(rota.as_["rte"], policy, after_minutes=5, on_call=True)
    assert level.who == "Whoever is on call"
    assert people_of(level, rota.train.pk) == [answering]
    ledger = Service.objects.get(name="ledger")
    deployment = record_deployment(
        cast["service_account"],
        service=ledger,
        environment=Environment.objects.get(kind="production"),
        status="succeeded",
        version="1.0.0",
    )
    incident = record_incident(cast["problem_manager"], title="Postings are late", service=ledger, severity=2)
    for address in (f"incidents/{incident.key}/", f"deployments/{deployment.pk}/"):
        page = web("rte").get(f"/o/northwind/{address}").content.decode()
        assert "On call now" in page, address
        assert str(answering) in page, address
    panel = wall_panel(rota.train, None)
    assert (panel.figure, panel.lines[0].text) == (answering.initials, rota.rota.name)


def test_a_rotation_goes_out_as_icalendar_and_comes_back(rota: Any, web: Any, api: Any) -> None:
    exported = web("rte").get(f"/o/northwind/on-call/{rota.rota.pk}/calendar.ics").content
    other = on_call.create_rotation(rota.as_["rte"], name="Identity", platform="identity", time_zone="UTC")
    counts = on_call.import_calendar(rota.as_["rte"], other, file=Upload("oncall.ics", exported))
    assert counts["created"] > 20
    again = on_call.import_calendar(rota.as_["rte"], other, file=Upload("oncall.ics", exported))
    assert (again["created"], again["unchanged"]) == (0, counts["created"])
    for moment in ("2027-03-04T00:00", "2027-03-29T08:00", "2027-06-01T12:00"):
        ours = [e.person for e in who_is_on_call(train=rota.train, at=at(moment))]
        assert [e.person for e in who_is_on_call(platform="identity", at=at(moment))] == ours
    stranger = exported.replace(rota.mail["owner"].encode(), b"stranger@nowhere.example")
    for content, says in (
        (stranger, "not in this organization"),
        (b"hello", "no iCalendar file"),
        (b"", "iCalendar"),
    ):
        with pytest.raises(Refused) as refused:
            on_call.import_calendar(rota.as_["rte"], other, file=Upload("x.ics", content))
        assert says in str(refused.value)
    sent = api("rte").post(
        f"{API}/on-call-rotations/Identity/import_calendar",
        {"file": SimpleUploadedFile("x.ics", exported)},
        format="multipart",
    )
    assert sent.status_code == 200, sent.content


def test_ceremonies_find_times_and_trains_show_their_drift(
    world: Any, monday: Any, api: Any, web: Any
) -> None:
    rte = world.as_["rte"]
    create_team(rte, train=world.train, code="SYD", name="Sydney", people=6, time_zone="Australia/Sydney")
    ceremonies.set_hours(rte, team=world.team, begins="08:00", finishes="16:00", time_zone="Europe/London")
    ceremony = ceremonies.create_ceremony(rte, train=world.train, name="ART sync", minutes=60, every_weeks=1)
    answer = api("auditor").get(f"{API}/train-meetings/{ceremony.pk}/proposals?dates=4").json()["proposals"]
    pain = {n: sum(p["minutes_outside_hours"][n] for p in answer) for n in ("Ledger", "Sydney")}
    assert all(pain.values())
    assert abs(pain["Ledger"] - pain["Sydney"]) <= 60
    ceremonies.schedule_ahead(rte, ceremony, dates=4)
    assert ceremony.slots.count() == 4
    assert "ART sync" in web("rte").get("/o/northwind/calendar/?view=month&from=2027-03-01").content.decode()
    assert "Given so far" in web("rte").get(f"/o/northwind/train-meetings/{ceremony.pk}/").content.decode()
    with pytest.raises(Refused) as refused:
        ceremonies.set_hours(world.as_["auditor"], team=world.team)
    assert refused.value.status == 403
    create_train(rte, key="LND", name="Lending", cadence_start=date(2026, 1, 8))
    drift = api("auditor").get(f"{API}/calendar/cadence").json()["drift"]
    assert drift[0]["days"] == 0
    assert any(d["iteration_days"] for d in drift)


def test_the_calendar_pages_do_not_query_per_row(
    world: Any, monday: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    quarterly(world)
    for n in range(12):
        release = world.release(f"1.{n}.0", target_at=monday + n * DAY)
        windows.create_member(world.as_["release_manager"], release=release, service=world.ledger)
    freezes.create_freeze(world.as_["rte"], name="F", starts=monday, ends=monday + 20 * DAY, reason="x")
    record_deployment(
        world.as_["service_account"],
        service=world.ledger,
        environment=world.production,
        version="1",
        status="succeeded",
    )
    client = web("rte")
    for path in ("calendar/", "calendar/?view=week", "calendar/load/", "calendar/cadence/"):
        client.get(f"/o/northwind/{path}")
        with django_assert_max_num_queries(75):
            assert client.get(f"/o/northwind/{path}").status_code == 200
