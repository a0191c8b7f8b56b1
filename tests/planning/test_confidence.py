"""The confidence vote: quorum, rounds after rework, and anonymity that the tables keep."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.ballots import packed, tally, unpacked
from releasetrain.kernel.refusals import Refused

VOTERS = {"rte": 2, "product_manager": 4, "business_owner": 5, "team_member": 4}


@given(st.lists(st.integers(1, 5), max_size=40))
def test_the_tally_adds_up(fingers):
    found = tally(fingers)
    assert sum(count for _, count in found.counts) == found.cast == len(fingers)
    assert found.low == sum(f <= 2 for f in fingers)
    if fingers:
        assert min(fingers) <= found.average <= max(fingers)
        assert found.confident == (sum(fingers) >= 3 * len(fingers))
    else:
        assert found.average is None


@given(st.integers(1, 5), st.text(max_size=300).filter(lambda t: "\x00" not in t))
def test_all_ballots_are_of_one_length_and_come_back(fingers, comment):
    content = packed(fingers, comment)
    assert len(content) == len(packed(5, ""))
    assert unpacked(content) == (fingers, comment)


def open_round(world: Any, **said: Any) -> Any:
    from planning.actions.confidence import open_round as opens

    return opens(world.cast["rte"], pi=world.pi, **said)


def close(world: Any, round_: Any) -> Any:
    from planning.actions.confidence import close_round

    return close_round(world.cast["rte"], round_)


def vote(world: Any, within: Any, role: str, fingers: int, comment: str = "") -> Any:
    from planning.actions.confidence import cast_confidence_vote

    with within(world.cast, role) as voter:
        return cast_confidence_vote(voter, pi=world.pi, fingers=fingers, comment=comment)


def refused(act: Any, *given: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*given, **said)
    return caught.value


def test_a_round_needs_its_quorum_and_shows_nothing_before(world, within):
    from planning.queries.confidence import confidence

    round_ = open_round(world, quorum=2)
    vote(world, within, "rte", 4)
    assert confidence(world.pi).ballots == (), "nobody follows others"
    error = refused(close, world, round_)
    assert error.code == "confidence.quorum"
    assert "1 of 2 votes are in." in error.refusals[0].sentence
    vote(world, within, "team_member", 1, "Staging is shared.")
    close(world, round_)
    found = confidence(world.pi)
    assert found.average == 2.5
    assert [(b.fingers, b.comment) for b in found.low] == [(1, "Staging is shared.")]


def test_after_rework_there_is_another_round_and_both_are_kept(world, within):
    from planning.queries.confidence import confidence

    first = open_round(world)
    vote(world, within, "rte", 2, "Too much.")
    close(world, first)
    assert refused(vote, world, within, "rte", 5).code == "confidence.closed"
    assert refused(open_round, world).refusals[0].field == "rework"
    second = open_round(world, rework="Two features left the plan.")
    vote(world, within, "rte", 4)
    close(world, second)
    assert [(r.number, t.average) for r, t in confidence(world.pi).rounds] == [(2, 4.0), (1, 2.0)]


def test_a_named_vote_can_be_replaced_an_anonymous_one_stands(world, within):
    open_round(world)
    vote(world, within, "rte", 3)
    assert vote(world, within, "rte", 5).fingers == 5


def test_one_vote_a_person_also_when_nobody_knows_which(world, within):
    from django.db import IntegrityError, transaction

    from planning.models import ConfidenceTurnout, SealedBallot

    round_ = open_round(world, anonymous=True)
    vote(world, within, "rte", 3)
    assert refused(vote, world, within, "rte", 5).code == "confidence.voted"
    assert SealedBallot.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        ConfidenceTurnout.objects.create(round=round_, voter_id=world.cast["rte"].user_id)


def test_too_few_would_betray_who_gave_what(world, within):
    round_ = open_round(world, anonymous=True, quorum=1)
    for role in ("rte", "team_member"):
        vote(world, within, role, 4)
    assert refused(close, world, round_).code == "confidence.quorum"


def test_an_open_vote_stands_against_committing(world, within):
    from planning.queries.board import load_board
    from planning.queries.commitment import findings

    open_round(world, quorum=3)
    codes = [f.code for f in findings(load_board(world.pi, world.pi.starts))]
    assert "plan.voting" in codes


def every_row() -> list[tuple[str, str]]:
    """(table, row as text with its system columns) of every table, history and ledger included."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            found += [(table, row) for (row,) in cursor.fetchall()]
    return found


def test_no_table_history_or_ledger_row_holds_a_voter_with_fingers(world, within):
    """Each voter's comment is a word of its own: wherever it stands, no voter may stand, and in the open it is nowhere."""
    from planning.models import ConfidenceVote

    round_ = open_round(world, anonymous=True)
    secrets = {role: f"worry-{role}-{n * 7919}" for n, role in enumerate(VOTERS)}
    for role, fingers in VOTERS.items():
        vote(world, within, role, fingers, secrets[role])
    for table, row in every_row():
        assert not any(secret in row for secret in secrets.values()), (
            f"{table} can be read while the vote is open"
        )
    close(world, round_)
    people = {role: str(world.cast[role].user_id) for role in VOTERS}
    seen = set()
    for table, row in every_row():
        for role, secret in secrets.items():
            if secret in row:
                seen.add(role)
                assert table == "planning_confidenceballot", table
                assert not any(person in row for person in people.values())
    assert seen == set(VOTERS), "the words are shown, without their people"
    assert not ConfidenceVote.objects.exists()


def test_neither_order_nor_time_nor_transaction_leads_to_a_ballot(
    committed_db: Any, cast: Any, within: Any
) -> None:
    """With real commits: opened ballots share one transaction, have random ids and no time."""
    from planning.actions.confidence import cast_confidence_vote, close_round, open_round
    from planning.models import ConfidenceBallot, SealedBallot

    from .conftest import make_world

    with within(cast, "rte") as rte:
        world = make_world(cast)
        round_ = open_round(rte, pi=world.pi, anonymous=True)
    for role, fingers in VOTERS.items():
        with within(cast, role) as voter:
            cast_confidence_vote(voter, pi=world.pi, fingers=fingers, comment=role)
    with within(cast, "rte") as rte:
        close_round(rte, round_)
    with within(cast, "rte"), connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM planning_confidenceballot")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM planning_confidenceturnout")
        assert cursor.fetchone() == (len(VOTERS),)
        assert not SealedBallot.objects.exists()
        assert {b.id.version for b in ConfidenceBallot.objects.all()} == {4}
    assert "created_at" not in {f.name for f in ConfidenceBallot._meta.get_fields()}
    assert "created_at" not in {f.name for f in SealedBallot._meta.get_fields()}


def test_a_repeated_request_leaves_no_fingerprint_of_the_fingers(world, api, within):
    from releasetrain.interface.models import IdempotentReply

    open_round(world, anonymous=True)
    client = api("team_member")
    address = "/api/v1/orgs/northwind/confidence-votes/cast"
    for fingers in (5, 4):
        sent = {"pi": str(world.pi.pk), "fingers": fingers}
        answer = client.post(address, sent, HTTP_IDEMPOTENCY_KEY="one")
        assert answer.status_code == 201, answer.content
        assert "fingers" not in answer.json()
    # The fingerprint is the same for any fingers, so it tells none.
    assert IdempotentReply.objects.filter(key="one").count() == 1


def test_a_cancelled_round_destroys_its_ballots_unread(world, within):
    from planning.actions.confidence import cancel_round
    from planning.models import ConfidenceBallot, SealedBallot
    from planning.queries.confidence import confidence

    round_ = open_round(world, anonymous=True)
    vote(world, within, "rte", 3)
    cancel_round(world.cast["rte"], round_, reason="Wrong plan shown.")
    assert not SealedBallot.objects.exists()
    assert not ConfidenceBallot.objects.exists()
    assert confidence(world.pi).round is None


def test_the_baseline_of_an_anonymous_vote_holds_counts_only(world, within):
    from planning.queries.board import load_board
    from planning.queries.commitment import plan_content

    round_ = open_round(world, anonymous=True)
    for role, fingers in VOTERS.items():
        vote(world, within, role, fingers, "x")
    close(world, round_)
    content = plan_content(load_board(world.pi, world.pi.starts))["confidence"]
    assert {"fingers": 4, "votes": 2} in content
    assert "voter" not in str(content)
