"""Stories and tasks of an iteration: worked off, blocked in one step, imported with one master per field."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.burn_up import Piece, burn_up
from planning.rules.work_file import read
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused

HEAD = b"Issue key,Summary,Issue Type,Status,Sprint,Sprint,Team,Parent key,Story Points,Original estimate,"
JIRA = (
    HEAD
    + b"""Remaining Estimate,Time Spent,Assignee,Resolved
PAY-1,Card form,Story,In Progress,26.4.1,26.4.2,Acquiring,F-1,2.5,28800,14400,14400,Ada,
PAY-2,Write tests,Sub-task,Done,26.4.2,,Acquiring,,,7200,3600,9000,Ben,2026-10-22T10:00:00Z
PAY-3,Big theme,Epic,To Do,,,Acquiring,,,,,,,
"""
)
AZURE = b"""ID,Work Item Type,Title,State,Area Path,Iteration Path,Story Points,Original Estimate,Remaining Work,Completed Work,Assigned To
7,User Story,Login,Active,Bank\\Acquiring,Bank\\2026\\26.4.2,3,8,5.5,2.5,Ada Lovelace <ada@bank.example>
8,Bug,Leak,New,Bank\\Ledger Core,Bank\\Someday,,,,,
"""


def make(world: Any, title: str = "Story", **given_: Any) -> Any:
    from planning.actions.work import create_work_item

    given_.setdefault("iteration", world.iterations[1])
    return create_work_item(
        world.cast["team_member"], team=given_.pop("team", world.acquiring), title=title, **given_
    )


def act(name: str, world: Any, item: Any, **params: Any) -> Any:
    from planning.actions import work

    item.refresh_from_db()
    getattr(work, name)(world.cast["team_member"], item, **params)
    item.refresh_from_db()
    return item


def bring(world: Any, content: bytes, tracker: str = "jira", **params: Any) -> Any:
    from planning.actions.work_import import import_work

    return import_work(
        world.cast["rte"],
        train=world.train,
        tracker=tracker,
        file=Upload("work.csv", content, "text/csv"),
        **params,
    )


def test_hours_are_logged_and_what_is_done_has_nothing_left(world):
    item = make(world, estimate_hours=Decimal(8), points=3)
    act("log_hours", world, item, spent=Decimal("2.5"))
    assert (item.state, item.spent_hours, item.remaining_hours) == (
        "in_progress",
        Decimal("2.5"),
        Decimal("5.5"),
    )
    act("log_hours", world, item, spent=Decimal(2), remaining=Decimal(7))
    assert (item.spent_hours, item.remaining_hours) == (Decimal("4.5"), Decimal(7))
    act("finish_work_item", world, item)
    assert (item.state, item.remaining_hours) == ("done", 0)
    assert item.finished_at
    with pytest.raises(Refused):
        act("log_hours", world, item, spent=Decimal(1))
    act("reopen_work_item", world, item, remaining=Decimal(1))
    assert (item.state, item.finished_at, item.remaining_hours) == ("todo", None, Decimal(1))


def test_a_blocker_is_raised_with_its_impediment_in_one_step(world):
    from planning.models import Impediment

    feature = world.feature("Refunds")
    item = make(world, feature=feature)
    act("block_work_item", world, item, reason="No test data from the scheme")
    impediment = Impediment.objects.get()
    assert item.blocked
    assert (impediment.title, impediment.team, impediment.feature) == (
        "No test data from the scheme",
        world.acquiring,
        feature,
    )
    act("unblock_work_item", world, item)
    with pytest.raises(Refused, match="Nothing blocks"):
        act("unblock_work_item", world, item)
    act("block_work_item", world, item, reason="Again", impediment=False)
    assert Impediment.objects.count() == 1


def test_a_jira_export_brings_states_hours_and_links(world):
    from planning.actions.features import create_feature
    from planning.models import WorkItem

    create_feature(world.cast["rte"], train=world.train, title="Cards", external_id="F-1")
    told = bring(world, JIRA, dry_run=True)
    assert (told["created"], told["errors"], WorkItem.objects.count()) == (2, [], 0)
    assert told["left_out"] == [{"line": 4, "why": "is of the kind epic"}]
    bring(world, JIRA)
    one, two = WorkItem.objects.order_by("external_id")
    assert (one.state, one.points, one.estimate_hours, one.remaining_hours, one.spent_hours) == (
        "in_progress", 3, Decimal(8), Decimal(4), Decimal(4),
    )  # fmt: skip
    assert (one.iteration, one.feature.external_id, one.assignee_name) == (world.iterations[1], "F-1", "Ada")
    assert (two.kind, two.state, two.remaining_hours, two.finished_at.day) == ("task", "done", Decimal(0), 22)
    again = bring(world, JIRA)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)


def test_an_azure_devops_export_finds_team_and_iteration_on_their_paths(world):
    from planning.models import WorkItem

    bring(world, AZURE, "boards")
    login, leak = WorkItem.objects.order_by("external_id")
    assert (login.team, login.iteration, login.assignee_name) == (
        world.acquiring,
        world.iterations[1],
        "Ada Lovelace",
    )
    assert (leak.kind, leak.team, leak.iteration) == ("defect", world.ledger, None)


def test_each_field_has_one_master(world):
    from planning.actions.work import set_tracker
    from planning.models import WorkItem

    bring(world, JIRA)
    item = WorkItem.objects.get(external_id="PAY-1")
    with pytest.raises(Refused, match="jira keeps the title") as caught:
        act("edit_work_item", world, item, title="Mine")
    assert caught.value.refusals[0].field == "title"
    with pytest.raises(Refused, match="jira keeps the spent hours"):
        act("log_hours", world, item, spent=Decimal(1))
    set_tracker(world.cast["rte"], train=world.train, name="jira", tracker_fields=["state", "points"])
    act("edit_work_item", world, item, title="Mine")
    act("log_hours", world, item, spent=Decimal(1))
    bring(world, JIRA.replace(b"Card form", b"Renamed there").replace(b",2.5,", b",5,"))
    item.refresh_from_db()
    assert (item.title, item.points, item.spent_hours) == ("Mine", 5, Decimal(5))
    with pytest.raises(Refused, match="cannot keep feature"):
        set_tracker(world.cast["rte"], train=world.train, name="jira", tracker_fields=["feature"])


def test_one_bad_row_and_nothing_is_imported(world):
    from planning.models import WorkItem

    bad = (
        b"id,title,team,state,estimate\nA,One,Acquiring,todo,5\nB,Two,Nobody,todo,5\nC,,Acquiring,melting,x\n"
    )
    with pytest.raises(Refused) as caught:
        bring(world, bad)
    said = " ".join(r.sentence for r in caught.value.refusals)
    for part in (
        "Line 3, team: PAY has no team Nobody",
        "Line 4, title",
        "Line 4, state",
        "Line 4, estimate",
    ):
        assert part in said
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize(
    "text", ["2026-10-22 10:00", "22/Oct/26 10:00 AM", "22.10.2026 10:00", "10/22/2026 10:00:00 AM"]
)
def test_moments_are_read_as_trackers_write_them(text):
    found = read(f'id,title,finished_at\nA,One,"{text}"\n'.encode())
    assert not found.errors
    moment = found.rows[0].values["finished_at"]
    assert (moment.day, moment.month, moment.hour) == (22, 10, 10)


START = date(2026, 10, 5)
pieces = st.builds(
    Piece,
    st.integers(0, 9).map(float),
    st.one_of(st.none(), st.integers(-3, 16).map(lambda n: START + timedelta(days=n))),
    st.one_of(st.none(), st.integers(-3, 16).map(lambda n: START + timedelta(days=n))),
)


@given(st.lists(pieces, max_size=12), st.integers(-2, 20))
def test_the_burn_up_never_falls_and_never_passes_its_scope(listed, today):
    drawn = burn_up(listed, START, START + timedelta(days=14), START + timedelta(days=today))
    known = [d for d in drawn.days if d.scope is not None]
    assert len(drawn.days) == 14
    assert all(d.on <= START + timedelta(days=today) for d in known)
    assert [d.scope for d in known] == sorted(d.scope for d in known)
    assert [d.done for d in known] == sorted(d.done for d in known)
    assert all(d.done <= d.scope for d in known)
    assert drawn.committed + drawn.added == sum(p.size for p in listed)
    assert drawn.committed_done <= drawn.committed


def test_burn_up_and_interruptions_stand_on_the_page_and_in_the_api(
    world, web, api, django_assert_max_num_queries
):
    from planning.actions.impediments import log_interruption
    from planning.models import WorkItem

    iteration = world.iterations[1]
    for n in range(12):
        make(world, f"Story {n}", points=2, estimate_hours=Decimal(10))
    item = WorkItem.objects.order_by("created_at").first()
    act("finish_work_item", world, item)
    act("block_work_item", world, WorkItem.objects.exclude(pk=item.pk).first(), reason="Waiting")
    for each in WorkItem.objects.all()[:10]:
        each.added_on = iteration.starts
        each.save()
    log_interruption(
        world.cast["rte"],
        team=world.acquiring,
        hours=Decimal(25),
        cause="incident",
        what="Outage",
        on=iteration.starts,
    )
    rest = api("rte")
    told = rest.get("/api/v1/orgs/northwind/execution", {"train": "PAY", "iteration": iteration.name}).json()
    assert (told["unit"], told["committed"], told["added"], told["done"]) == ("points", 20, 4, 2)
    assert told["hours"]["interrupted_share"] == pytest.approx(0.25)
    assert [t["committed"] for t in told["teams"]] == [20, 0]
    client = web("rte")
    client.get("/o/northwind/iteration/")
    with django_assert_max_num_queries(45):
        html = client.get("/o/northwind/iteration/", {"iteration": str(iteration.pk)}).content.decode()
    assert "25 hours in 1 interruption, 25% of 100 promised hours." in html
    assert "Waiting" in html
    assert client.get("/o/northwind/iteration/", {"iteration": "none"}).status_code == 422
    assert rest.get("/api/v1/orgs/northwind/execution", {"team": "none"}).status_code == 422
