"""Boards in depth: roles, shares, recusal, delegation, deadlines, escalation, signatures, meetings and minutes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from time_machine import travel

from governance.actions import boardroom, boards, changes
from governance.models import Board, BoardMember, ChangeRequest, Recusal, Reminder, Vote
from governance.queries import changes as queries
from governance.tasks.changes import sweep
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.test_changes import MEMBERS, PLANS, approve, board_of, window

pytestmark = pytest.mark.django_db


@pytest.fixture
def ahead() -> Iterator[Callable[[timedelta], None]]:
    """`ahead(timedelta(hours=8))` — so much later."""
    with travel(now(), tick=False) as clock:
        yield clock.shift


def written(cast: Any, board: Board, **said: Any) -> ChangeRequest:
    given = {"title": "Raise the limit", "board": board, **window(), **PLANS, **said}
    return changes.create_change(cast["release_manager"], **given)


def asked(cast: Any, board: Board, **said: Any) -> ChangeRequest:
    return changes.submit(cast["release_manager"], written(cast, board, **said))


def choose(cast: Any, change: ChangeRequest, role: str, choice: str, **more: Any) -> ChangeRequest:
    return changes.vote(cast[role], change, choice=Vote.Choice(choice), rationale="As discussed.", **more)


def test_a_board_waits_for_the_role_whose_agreement_it_asks_for(cast: Any, in_northwind: Any) -> None:
    board = board_of(cast)
    chair = cast["change_manager"]
    boards.add_member(
        chair, board, email=cast.user("compliance_officer").email, represents="compliance_officer"
    )
    boards.edit_board(chair, board, quorum=2, rule=Board.Rule.MAJORITY, role_quorum={"compliance_officer": 1})
    change = asked(cast, Board.objects.get(pk=board.pk))
    approve(cast, change, "cab_member")
    change = approve(cast, change, "second_cab_member")
    assert change.state == "awaiting_approval"
    with pytest.raises(DatabaseError, match="has not agreed"), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(
            state="approved", approved_revision=change.revision, approved_digest=change.content_digest
        )
    assert approve(cast, change, "compliance_officer").state == "approved"


def test_a_share_of_the_members_has_to_take_part_and_recusal_counts_it_anew(
    cast: Any, in_northwind: Any
) -> None:
    board = board_of(cast, quorum=1)
    boards.edit_board(cast["change_manager"], board, quorum=1, rule=Board.Rule.MAJORITY, share=100)
    change = asked(cast, Board.objects.get(pk=board.pk))
    assert queries.tally(change).needed == 4
    approve(cast, change, "cab_member")
    approve(cast, change, "second_cab_member")
    boardroom.recuse(cast["third_cab_member"], change, reason="My brother sells it.")
    assert queries.tally(change).needed == 3
    boardroom.recuse(cast["change_manager"], change, reason="I wrote the request for it.")
    change.refresh_from_db()
    assert change.state == "approved", "whoever is left has voted"


def test_recusal_never_lowers_the_quorum_below_the_boards_own_number(cast: Any, in_northwind: Any) -> None:
    change = asked(cast, board_of(cast, quorum=3))
    approve(cast, change, "cab_member")
    for role in ("second_cab_member", "third_cab_member"):
        boardroom.recuse(cast[role], change, reason="Conflict.")
    tally = queries.tally(change)
    assert (tally.needed, tally.eligible, tally.reachable) == (3, 2, False)
    assert approve(cast, change, "change_manager").state == "awaiting_approval"


def test_whoever_is_recused_does_not_vote_and_whoever_voted_is_not_recused(
    cast: Any, in_northwind: Any
) -> None:
    change = asked(cast, board_of(cast))
    boardroom.recuse(cast["cab_member"], change, reason="Conflict.")
    with pytest.raises(Refused) as refused:
        approve(cast, change, "cab_member")
    assert refused.value.code == "segregation.recused"
    member = cast.user("cab_member")
    with pytest.raises(DatabaseError, match="recused takes no part"), transaction.atomic():
        Vote.objects.create(
            change=change, board=change.board, revision=1, content_digest=change.content_digest, voter=member,
            cast_by=member, choice="approve", rationale="Anyway",
        )  # fmt: skip
    approve(cast, change, "second_cab_member")
    with pytest.raises(Refused):
        boardroom.recuse(cast["second_cab_member"], change, reason="Conflict.")
    voter = cast.user("second_cab_member")
    with pytest.raises(DatabaseError, match="has voted"), transaction.atomic():
        Recusal.objects.create(change=change, user=voter, declared_by=voter, reason="Conflict.")
    with pytest.raises(Refused) as refused:
        boardroom.recuse(
            cast["third_cab_member"], change, reason="He may not.", person=cast.user("change_manager").email
        )
    assert refused.value.code == "recusal.other"


def delegated(cast: Any, board: Board, starts: timedelta, ends: timedelta) -> BoardMember:
    return boards.delegate(
        cast["cab_member"],
        board,
        email=cast.user("problem_manager").email,
        starts_at=now() + starts,
        ends_at=now() + ends,
    )


def test_a_delegate_votes_only_in_the_time_of_the_delegation(cast: Any, in_northwind: Any) -> None:
    board = board_of(cast)
    change = asked(cast, board)
    principal = cast.user("cab_member").email
    later = delegated(cast, board, timedelta(hours=1), timedelta(days=2))
    with pytest.raises(Refused) as refused:
        choose(cast, change, "problem_manager", "approve", on_behalf_of=principal)
    assert refused.value.code == "vote.not_deputy"
    stand_in, member = cast.user("problem_manager"), cast.user("cab_member")
    with pytest.raises(DatabaseError, match="not in force"), transaction.atomic():
        Vote.objects.create(
            change=change, board=board, revision=1, content_digest=change.content_digest, voter=member,
            cast_by=stand_in, choice="approve", rationale="Too early",
        )  # fmt: skip
    boards.recall(cast["cab_member"], later)
    delegated(cast, board, timedelta(hours=-1), timedelta(days=2))
    change = choose(cast, change, "problem_manager", "approve", on_behalf_of=principal)
    assert change.votes.get().cast_by == stand_in
    with pytest.raises(Refused):
        approve(cast, change, "cab_member")


@pytest.mark.parametrize("contributor", ["problem_manager", "cab_member"])
def test_delegation_launders_nobodys_duties(cast: Any, in_northwind: Any, contributor: str) -> None:
    """Neither what the delegate did nor what the member did is forgotten by the delegation."""
    board = board_of(cast)
    change = written(cast, board)
    changes.add_contributor(cast["release_manager"], change, email=cast.user(contributor).email, act="coded")
    change = changes.submit(cast["release_manager"], ChangeRequest.objects.get(pk=change.pk))
    delegated(cast, board, timedelta(hours=-1), timedelta(days=2))
    with pytest.raises(Refused):
        choose(cast, change, "problem_manager", "approve", on_behalf_of=cast.user("cab_member").email)
    with pytest.raises(DatabaseError, match="contributed"), transaction.atomic():
        Vote.objects.create(
            change=change, board=board, revision=change.revision, content_digest=change.content_digest,
            voter=cast.user("cab_member"), cast_by=cast.user("problem_manager"), choice="approve", rationale="For her",
        )  # fmt: skip


def test_a_vote_is_delegated_once_at_a_time_and_to_somebody_who_may_vote(
    cast: Any, in_northwind: Any
) -> None:
    board = board_of(cast)
    delegated(cast, board, timedelta(0), timedelta(days=2))
    with pytest.raises(Refused) as refused:
        delegated(cast, board, timedelta(days=1), timedelta(days=3))
    assert refused.value.code == "board.delegated"
    with pytest.raises(Refused) as refused:
        boards.delegate(
            cast["second_cab_member"], board, email=cast.user("rte").email, starts_at=now(), ends_at=now() + timedelta(days=1)
        )  # fmt: skip
    assert refused.value.code == "board.may_not_vote"


def test_silence_never_approves_what_is_not_decided_in_time_expires(
    cast: Any, in_northwind: Any, ahead: Any
) -> None:
    board = board_of(cast)
    boards.edit_board(cast["change_manager"], board, quorum=2, rule=Board.Rule.MAJORITY, vote_hours=8)
    change = asked(cast, Board.objects.get(pk=board.pk))
    approve(cast, change, "cab_member")
    ahead(timedelta(hours=8))
    with pytest.raises(Refused) as refused:
        approve(cast, change, "second_cab_member")
    assert refused.value.code == "vote.too_late"
    sweep(cast.organization)
    change.refresh_from_db()
    assert (change.state, change.fell_because[:8]) == ("expired", "Expired:")
    change = changes.reopen(cast["release_manager"], change, reason="Nobody had time.")
    later = {"window_starts": now() + timedelta(days=1), "window_ends": now() + timedelta(days=2)}
    change = changes.edit_change(cast["release_manager"], change, **later)
    assert changes.submit(cast["release_manager"], change).state == "awaiting_approval"


def test_what_a_board_does_not_decide_goes_to_the_board_above(
    cast: Any, in_northwind: Any, ahead: Any
) -> None:
    board = board_of(cast)
    above = boards.create_board(cast["change_manager"], name="Executive board", quorum=1)
    boards.add_member(cast["change_manager"], above, email=cast.user("compliance_officer").email)
    boards.edit_board(
        cast["change_manager"], board, quorum=2, rule=Board.Rule.MAJORITY, vote_hours=8, escalates_to=above
    )
    change = asked(cast, Board.objects.get(pk=board.pk))
    approve(cast, change, "cab_member")
    ahead(timedelta(hours=9))
    sweep(cast.organization)
    change.refresh_from_db()
    assert (change.state, change.board, change.revision) == ("awaiting_approval", above, 2)
    assert approve(cast, change, "compliance_officer").state == "approved"


def test_a_tie_goes_further_up_and_without_a_board_above_it_is_a_rejection(
    cast: Any, in_northwind: Any
) -> None:
    chair = cast["change_manager"]
    board = boards.create_board(chair, name="Pair", quorum=2)
    for role in ("cab_member", "second_cab_member"):
        boards.add_member(chair, board, email=cast.user(role).email)
    change = asked(cast, board)
    choose(cast, change, "cab_member", "approve")
    assert choose(cast, change, "second_cab_member", "reject").state == "rejected"
    above = boards.create_board(chair, name="Above", quorum=1)
    boards.edit_board(chair, board, quorum=2, rule=Board.Rule.MAJORITY, escalates_to=above)
    change = asked(cast, Board.objects.get(pk=board.pk))
    choose(cast, change, "cab_member", "approve")
    assert choose(cast, change, "second_cab_member", "reject").board == above
    with pytest.raises(Refused) as refused:
        boards.edit_board(chair, above, quorum=1, rule=Board.Rule.MAJORITY, escalates_to=board)
    assert refused.value.code == "board.circle"


def test_an_approval_that_nobody_used_lapses(cast: Any, in_northwind: Any, ahead: Any) -> None:
    change = asked(cast, board_of(cast))
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    assert change.approval_ends_at == change.window_ends
    ahead(timedelta(days=2))
    sweep(cast.organization)
    change.refresh_from_db()
    assert (change.state, change.stands) == ("expired", False)


def test_an_emergency_is_approved_unanimously_and_then_reviewed(cast: Any, in_northwind: Any) -> None:
    from reviews.models import Review
    from trains.actions.services import create_service

    chair = cast["change_manager"]
    board = boards.create_board(chair, name="ECAB", quorum=2, kind=Board.Kind.ECAB)
    assert board.rule == Board.Rule.UNANIMOUS
    for role in MEMBERS:
        boards.add_member(chair, board, email=cast.user(role).email)
    service = create_service(cast["owner"], name="basket")
    change = asked(cast, board, type=ChangeRequest.Type.EMERGENCY, service=service)
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    assert change.state == "approved"
    review = Review.objects.get(service=service)
    assert review.trigger == f"{change.key} was approved as an emergency."
    again = asked(cast, board, type=ChangeRequest.Type.EMERGENCY, service=service)
    choose(cast, again, "cab_member", "approve")
    assert choose(cast, again, "second_cab_member", "reject").state == "rejected"


def test_an_unmet_condition_fails_the_gate_until_somebody_shows_it_is_met(
    cast: Any, in_northwind: Any
) -> None:
    from datetime import date
    from types import SimpleNamespace

    from governance.checks.approvals import approvals
    from trains.actions import releases, trains

    train = trains.create_train(cast["owner"], key="SHOP", name="Shop", cadence_start=date(2026, 1, 5))
    release = releases.create_release(cast["release_manager"], train=train, version="1.0.0")
    change = asked(cast, board_of(cast), release=release)
    choose(cast, change, "cab_member", "approve_with_conditions", conditions="Support is briefed")
    change = approve(cast, change, "second_cab_member")
    outcome = approvals(SimpleNamespace(release=release))  # type: ignore[arg-type]
    assert (outcome.verdict, "Support is briefed" in outcome.reason) == ("fail", True)
    changes.meet_condition(
        cast["release_manager"], change.conditions.get(), evidence="Recording of the briefing"
    )
    assert approvals(SimpleNamespace(release=release)).verdict == "pass"  # type: ignore[arg-type]


def test_a_fix_of_high_impact_needs_the_problem_managers_signature(cast: Any, in_northwind: Any) -> None:
    from datetime import date

    from trains.actions import releases, trains
    from trains.models import Classification

    train = trains.create_train(cast["owner"], key="SHOP", name="Shop", cadence_start=date(2026, 1, 5))
    release = releases.create_release(
        cast["release_manager"], train=train, version="1.0.1", classification=Classification.PROBLEM_FIX
    )
    change = asked(cast, board_of(cast), release=release, risk=ChangeRequest.Risk.HIGH)
    assert change.joint
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    assert change.state == "awaiting_approval"
    with pytest.raises(DatabaseError, match="has not signed"), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(
            state="approved", approved_revision=change.revision, approved_digest=change.content_digest
        )
    boardroom.sign(cast["problem_manager"], change, agrees=True, rationale="It removes the cause.")
    change.refresh_from_db()
    assert change.state == "approved"


def test_a_meeting_from_agenda_to_minutes(cast: Any, in_northwind: Any) -> None:
    board = board_of(cast)
    calm = asked(cast, board, title="A small one", risk=ChangeRequest.Risk.LOW)
    wild = asked(cast, board, title="A wild one", risk=ChangeRequest.Risk.HIGH)
    chair = cast["change_manager"]
    meeting = boards.schedule_meeting(
        chair, board=board, starts_at=now() + timedelta(hours=1), minutes_per_item=6
    )
    assert [(i.change.title, i.minutes) for i in meeting.agenda.order_by("position")] == [("A wild one", 12), ("A small one", 3)]  # fmt: skip
    boards.open_meeting(chair, meeting)
    boards.attend(cast["cab_member"], meeting)
    boards.more_time(chair, meeting, minutes=3)
    boards.take_note(chair, meeting, text="The backout was rehearsed.")
    approve(cast, wild, "cab_member")
    choose(cast, wild, "second_cab_member", "approve_with_conditions", conditions="Night shift knows")
    boardroom.recuse(cast["third_cab_member"], calm, reason="I own the shop.")
    boards.next_item(chair, meeting)
    item = boards.add_action(
        chair, meeting, title="Brief the night shift", owner=cast.user("rte").email, due_on=now().date()
    )
    meeting.refresh_from_db()
    boards.close_meeting(chair, meeting)
    meeting.refresh_from_db()
    for said in (
        "Chair: ", "15 minutes", "Approved at revision 1: 2 for, 0 against", "Condition: Night shift knows", wild.key,
        "Recused: ", "I own the shop.", "Open: 0 for", "Note: The backout was rehearsed.", "Brief the night shift",
    ):  # fmt: skip
        assert said in meeting.minutes, meeting.minutes
    assert str(cast.user("cab_member")) in meeting.minutes.split("Absent")[0]
    boards.edit_minutes(chair, meeting, minutes="Corrected.")
    with pytest.raises(Refused) as refused:
        boards.finish_action(cast["cab_member"], item, result="Done")
    assert refused.value.code == "meeting.not_owner"
    assert boards.finish_action(cast["rte"], item, result="They know.").done_at


def test_people_are_reminded_once_of_what_is_due_and_no_longer_when_it_is_done(
    cast: Any, in_northwind: Any
) -> None:
    change = asked(
        cast,
        board_of(cast),
        window_starts=now() + timedelta(hours=20),
        window_ends=now() + timedelta(hours=22),
    )
    boardroom.recuse(cast["third_cab_member"], change, reason="Conflict.")
    sweep(cast.organization)
    sweep(cast.organization)
    reminded = set(Reminder.objects.values_list("user_id", flat=True))
    assert reminded == {cast.user(r).pk for r in ("cab_member", "second_cab_member", "change_manager")}
    assert Reminder.objects.count() == 3
    approve(cast, change, "cab_member")
    sweep(cast.organization)
    assert Reminder.objects.filter(settled_at__isnull=False).get().user == cast.user("cab_member")


def test_the_difference_is_shown_field_by_field_when_an_approval_falls(
    cast: Any, in_northwind: Any, web: Any
) -> None:
    change = asked(cast, board_of(cast))
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    change = changes.edit_change(cast["release_manager"], change, backout_plan="Restore the backup.")
    client = web("cab_member")
    for address in (f"/o/northwind/changes/{change.key}/", f"/o/northwind/cab/{change.key}/"):
        shown = client.get(address).content.decode()
        assert "Backout plan" in shown
        assert "<del>Redeploy 1.0.0.</del>" in shown
        assert "<ins>Restore the backup.</ins>" in shown


def test_the_boards_page_asks_the_database_no_more_for_a_longer_agenda(
    cast: Any, in_northwind: Any, web: Any
) -> None:
    board = board_of(cast)

    def ask_for(n: int) -> None:
        begins = now() + timedelta(days=n + 1)
        asked(cast, board, title=f"Change {n}", window_starts=begins, window_ends=begins + timedelta(hours=1))

    for n in range(2):
        ask_for(n)
    client = web("cab_member")
    client.get("/o/northwind/cab/")
    with CaptureQueriesContext(connection) as few:
        client.get("/o/northwind/cab/")
    for n in range(2, 9):
        ask_for(n)
    with CaptureQueriesContext(connection) as many:
        client.get("/o/northwind/cab/")
    assert len(many) <= len(few), [q["sql"][:200] for q in many][len(few) - 5 :]


def test_over_rest_a_board_is_set_up_and_a_change_is_assessed_and_asked_for(
    cast: Any, in_northwind: Any, api: Any
) -> None:
    base = "/api/v1/orgs/northwind"
    chair, author = api("change_manager"), api("release_manager")
    made = chair.post(f"{base}/boards", {"name": "CAB", "quorum": 1, "role_quorum": {"nobody": 1}})
    assert (made.status_code, made.json()["errors"][0]["pointer"]) == (422, "#/role_quorum")
    board = chair.post(f"{base}/boards", {"name": "CAB", "quorum": 1, "vote_hours": 8}).json()
    chair.post(f"{base}/boards/{board['id']}/add_member", {"email": cast.user("cab_member").email})
    assert chair.post(f"{base}/approval-policies/publish", {"note": "First"}).status_code == 201
    times = {name: moment.isoformat() for name, moment in window().items()}
    change = author.post(f"{base}/changes", {"title": "T", "board": board["id"], **PLANS, **times}).json()
    short = author.post(f"{base}/changes/{change['key']}/assess", {"answers": {"impact": "nobody"}})
    assert short.status_code == 422
    answers = {"impact": "customers", "backout": "hours", "reach": "few"}
    answers |= {"data": "additive", "tested": "automated", "known": "once"}
    assert author.post(f"{base}/changes/{change['key']}/assess", {"answers": answers}).status_code == 200
    assert author.post(f"{base}/changes/{change['key']}/submit").status_code == 200
    voted = api("cab_member").post(
        f"{base}/changes/{change['key']}/vote", {"choice": "approve", "rationale": "Yes."}
    )
    assert voted.status_code == 200
    found = author.get(f"{base}/changes/{change['key']}").json()
    assert (found["state"], found["risk"], found["approved_by"]) == ("approved", "medium", "board")


def test_the_page_opens_the_board_that_has_something_to_decide(
    cast: Any, in_northwind: Any, web: Any
) -> None:
    """Architecture comes first by name and has nothing; every board is a tab away, with how much awaits it."""
    boards.create_board(cast["change_manager"], name="Architecture")
    change = asked(cast, board_of(cast))
    for role in ("rte", "cab_member"):
        page = web(role).get("/o/northwind/cab/").content.decode()
        assert change.title in page
        tabs = page[page.index('<nav class="tabs"') :]
        assert re.search(r'aria-current="page">CAB <span\s+class="n">1<', tabs), tabs[:600]
        assert re.search(r'Architecture <span\s+class="n">0<', tabs), tabs[:600]
