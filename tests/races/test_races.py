"""Two acts of the governance at once: whatever comes first, what stands afterwards could have come about one after the other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.actions import boards, changes, duties, waivers
from governance.models import (
    BoardMember,
    ChangeDeployment,
    ChangeRequest,
    DutyAct,
    DutyException,
    Vote,
    Waiver,
)
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from tests.governance.gateway import Gateway
from tests.governance.test_duties import PLANS
from trains.actions.deployments import record_deployment
from trains.actions.freezes import create_freeze
from trains.actions.releases import create_release
from trains.actions.scope import add_item
from trains.models import Deployment, Freeze

ROUNDS = 6
VOTERS = ("cab_member", "second_cab_member", "third_cab_member")
DONE = "done"


class Table(Gateway):
    """A board of three whose quorum is two; every change is new and waits for its last vote."""

    def __init__(self, cast: Any) -> None:
        super().__init__(cast)
        with self.scope("change_manager") as chair:
            self.board = boards.create_board(chair, name="CAB", quorum=2)
            self.seats = {
                role: boards.add_member(chair, self.board, email=cast.user(role).email) for role in VOTERS
            }

    def change(self, votes: int = 1, release: Any = None) -> ChangeRequest:
        with self.scope("release_manager") as author:
            change = changes.create_change(
                author,
                title="Raise the limit",
                board=self.board,
                service=None if release else self.service,
                release=release,
                window_starts=now() - timedelta(hours=1),
                window_ends=now() + timedelta(hours=1),
                **PLANS,
            )
            change = changes.submit(author, change)
        for role in VOTERS[:votes]:
            with self.scope(role) as member:
                changes.vote(member, change, choice=Vote.Choice.APPROVE, rationale="Fine.")
        return change

    def voting(self, change: ChangeRequest, choice: str = Vote.Choice.APPROVE) -> Any:
        def act(actor: Any) -> None:
            present = ChangeRequest.objects.get(pk=change.pk)
            changes.vote(actor, present, choice=choice, rationale="Fine.")

        return act

    def now(self, change: ChangeRequest) -> ChangeRequest:
        with self.scope("auditor"):
            return ChangeRequest.objects.select_related("board").get(pk=change.pk)

    def entries(self, verb: str, subject: Any) -> int:
        with self.scope("auditor"):
            return LedgerEntry.objects.filter(verb=verb, subject_id=str(subject.pk)).count()

    def counts(self, change: ChangeRequest) -> int:
        """Approvals of the present revision and content."""
        with self.scope("auditor"):
            present = ChangeRequest.objects.get(pk=change.pk)
            votes = Vote.objects.filter(change=present, revision=present.revision, choice="approve")
            assert votes.values("voter").distinct().count() == votes.count()
            assert set(votes.values_list("content_digest", flat=True)) <= {present.content_digest}
            return votes.count()


@pytest.fixture
def table(committed_db: Any, cast: Any) -> Table:
    return Table(cast)


def test_the_last_vote_cast_twice_counts_once(table: Table, together: Any) -> None:
    for _ in range(ROUNDS):
        change = table.change(votes=1)
        vote = table.voting(change)
        outcomes = together(("second_cab_member", vote), ("second_cab_member", vote))
        assert outcomes.count(DONE) == 1, outcomes
        assert table.now(change).state == "approved"
        assert (table.counts(change), table.entries("change.approved", change)) == (2, 1)


def test_two_last_votes_at_once_approve_once(table: Table, together: Any) -> None:
    for _ in range(ROUNDS):
        change = table.change(votes=1)
        vote = table.voting(change)
        outcomes = together(("second_cab_member", vote), ("third_cab_member", vote))
        assert sorted(outcomes) in ([DONE, DONE], [DONE, "state.illegal"]), outcomes
        assert table.now(change).state == "approved"
        assert table.entries("change.approved", change) == 1


def test_an_approval_and_a_rejection_at_once_never_both_decide(table: Table, together: Any) -> None:
    for _ in range(ROUNDS):
        change = table.change(votes=1)
        outcomes = together(
            ("second_cab_member", table.voting(change)),
            ("third_cab_member", table.voting(change, Vote.Choice.REJECT)),
        )
        assert DONE in outcomes, outcomes
        ends = (table.entries("change.approved", change), table.entries("change.rejected", change))
        assert sum(ends) <= 1, ends
        state = table.now(change).state
        assert (state == "approved", state == "rejected") == (ends[0] == 1, ends[1] == 1)


def test_approving_while_the_scope_changes_never_approves_the_new_scope(table: Table, together: Any) -> None:
    with table.scope("release_manager") as manager:
        release = create_release(
            manager, train=table.train, version="5.2.0", name="Payments", tier=3, rollback_plan="Redeploy."
        )
    for turn in range(ROUNDS):
        change = table.change(votes=1, release=release)
        outcomes = together(
            ("second_cab_member", table.voting(change)),
            (
                "release_manager",
                lambda actor, turn=turn: add_item(
                    actor, release.__class__.objects.get(pk=release.pk), title=f"Item {turn}"
                ),
            ),
        )
        assert outcomes[1] == DONE, outcomes
        present = table.now(change)
        # The scope is in: so the approval has fallen, or the vote came too late.
        assert (present.state, present.revision) == ("awaiting_approval", 2), outcomes
        assert table.counts(change) == 0
        with table.scope("release_manager") as manager:
            changes.cancel(manager, present, reason="Next round.")


def test_a_member_leaves_while_voting(table: Table, together: Any) -> None:
    """The vote came first and stands, or the seat is gone and there is no vote: never a vote of somebody without a seat."""
    seen = set()
    for _ in range(ROUNDS):
        change = table.change(votes=1)
        seat = table.seats["second_cab_member"]
        outcomes = together(
            ("second_cab_member", table.voting(change)),
            (
                "change_manager",
                lambda actor, seat=seat: boards.remove_member(
                    actor, BoardMember.objects.get(pk=seat.pk), reason="Moved."
                ),
            ),
        )
        assert outcomes[1] == DONE, outcomes
        voted = outcomes[0] == DONE
        assert voted or outcomes[0] in ("vote.no_seat", "segregation.vote"), outcomes
        assert (table.now(change).state == "approved", table.counts(change)) == (voted, 2 if voted else 1)
        with table.scope("auditor"):
            order = dict(
                LedgerEntry.objects.filter(
                    verb__in=("change.vote", "board_member.remove"),
                    subject_id__in=(str(change.pk), str(seat.pk)),
                ).values_list("verb", "id")
            )
        assert not voted or order["change.vote"] < order["board_member.remove"]
        seen.add(voted)
        with table.scope("change_manager") as chair:
            email = table.cast.user("second_cab_member").email
            table.seats["second_cab_member"] = boards.add_member(chair, table.board, email=email)


def test_the_quorum_rises_while_the_last_vote_is_cast(table: Table, together: Any) -> None:
    for _ in range(ROUNDS):
        change = table.change(votes=1)
        outcomes = together(
            ("second_cab_member", table.voting(change)),
            (
                "change_manager",
                lambda actor: boards.edit_board(
                    actor, type(table.board).objects.get(pk=table.board.pk), quorum=3, rule="majority"
                ),
            ),
        )
        # Decided by the old quorum, or open under the new one; a vote that was not acknowledged does not count.
        assert table.counts(change) == 1 + (outcomes[0] == DONE), outcomes
        approved = table.now(change).state == "approved"
        assert table.entries("change.approved", change) == approved
        with table.scope("change_manager") as chair:
            boards.edit_board(chair, table.board, quorum=2, rule="majority")


def test_deciding_and_withdrawing_at_once(table: Table, together: Any) -> None:
    for _ in range(ROUNDS):
        change = table.change(votes=1)
        outcomes = together(
            ("second_cab_member", table.voting(change)),
            (
                "release_manager",
                lambda actor, change=change: changes.withdraw(
                    actor, ChangeRequest.objects.get(pk=change.pk), reason="Not yet."
                ),
            ),
        )
        assert outcomes.count(DONE) == 1, outcomes
        present = table.now(change)
        assert present.state == ("approved" if outcomes[0] == DONE else "draft"), outcomes
        assert table.entries("change.approved", change) == (outcomes[0] == DONE)


def test_one_waiver_is_granted_once(table: Table, together: Any) -> None:
    for _ in range(ROUNDS):
        artifact = table.artifact()
        with table.scope("service_account") as pipeline:
            waiver = waivers.request_waiver(
                pipeline,
                gate=table.gate,
                check="unit-tests",
                artifact=artifact,
                reason="The runner is down.",
                risk="Low.",
                mitigation="Run by hand.",
                expires_at=now() + timedelta(days=1),
            )

        def grant(actor: Any, waiver: Any = waiver) -> None:
            waivers.grant_waiver(actor, Waiver.objects.get(pk=waiver.pk), decision="Fine.")

        outcomes = together(("compliance_officer", grant), ("compliance_officer", grant))
        assert sorted(outcomes) == [DONE, "state.illegal"], outcomes
        assert table.entries("waiver.grant", waiver) == 1


def test_a_deployment_starts_before_the_freeze_or_not_at_all(table: Table, together: Any) -> None:
    for turn in range(ROUNDS):
        name = f"run-{turn}"

        def deploy(actor: Any, name: str = name) -> None:
            record_deployment(
                actor,
                service=table.service,
                environment=table.test,
                version="1",
                status="running",
                source="ci",
                external_id=name,
            )

        def freeze(actor: Any, name: str = name) -> None:
            moment = now()
            create_freeze(
                actor,
                name=name,
                starts=moment - timedelta(seconds=1),
                ends=moment + timedelta(hours=1),
                reason="Year end.",
            )

        outcomes = together(("service_account", deploy), ("release_manager", freeze))
        assert outcomes[1] == DONE, outcomes
        assert outcomes[0] in (DONE, "deployment.frozen"), outcomes
        with table.scope("auditor"):
            run = Deployment.objects.filter(external_id=name).first()
            frozen = Freeze.objects.get(name=name)
            assert (run is not None) == (outcomes[0] == DONE)
            if run is not None:
                order = dict(
                    LedgerEntry.objects.filter(subject_id__in=(str(run.pk), str(frozen.pk))).values_list(
                        "verb", "id"
                    )
                )
                assert order["deployment.record"] < order["freeze.create"]
        with table.scope("release_manager") as manager:
            from trains.actions.freezes import cancel_freeze

            cancel_freeze(manager, frozen, reason="Next round.")


def test_one_run_reported_twice_at_once_is_one_authorised_deployment(table: Table, together: Any) -> None:
    for turn in range(ROUNDS):
        change = table.change(votes=2)

        def deploy(actor: Any, turn: int = turn) -> None:
            record_deployment(
                actor,
                service=table.service,
                environment=table.production,
                version="1",
                status="running",
                source="ci",
                external_id=f"run-{turn}",
            )

        outcomes = together(("service_account", deploy), ("service_account", deploy))
        assert DONE in outcomes
        with table.scope("auditor"):
            run = Deployment.objects.get(external_id=f"run-{turn}")
            assert [a.change_id for a in ChangeDeployment.objects.filter(deployment=run)] == [change.pk]
        with table.scope("release_manager") as manager:
            changes.start(manager, table.now(change))
            changes.complete(manager, table.now(change), outcome="successful")


def test_a_deployment_slips_past_no_vote_that_is_still_missing(table: Table, together: Any) -> None:
    """The last vote and the start at once: authorised only if the vote was in."""
    for turn in range(ROUNDS):
        change = table.change(votes=1)

        def deploy(actor: Any, turn: int = turn) -> None:
            record_deployment(
                actor,
                service=table.service,
                environment=table.production,
                version="1",
                status="running",
                source="late",
                external_id=f"run-{turn}",
            )

        together(("second_cab_member", table.voting(change)), ("service_account", deploy))
        with table.scope("auditor"):
            run = Deployment.objects.filter(external_id=f"run-{turn}").first()
            link = ChangeDeployment.objects.filter(deployment=run).first() if run else None
            if link is not None and link.authorised:
                approved = ChangeRequest.objects.get(pk=change.pk).approved_at
                assert approved is not None and approved <= run.started_at
        with table.scope("release_manager") as manager:
            changes.start(manager, table.now(change))
            changes.complete(manager, table.now(change), outcome="successful")


def test_a_second_person_is_asked_for_and_taken_back_at_once(table: Table, together: Any, cast: Any) -> None:
    change = table.change(votes=2)
    with table.scope("owner"):
        from releasetrain.accounts.actions import grant, scope_for

        grant(cast.user("cab_member"), "release_manager", scope_for(cast.organization))
    cast.pop("cab_member", None)
    for _ in range(ROUNDS):
        with table.scope("cab_member") as member:
            exception = duties.request_exception(
                member, change=table.now(change), act=DutyAct.DEPLOYED, reason="Nobody else.", hours=1
            )

        def decide(actor: Any, exception: Any = exception) -> None:
            duties.grant_exception(actor, DutyException.objects.get(pk=exception.pk), decision="Fine.")

        def refuse(actor: Any, exception: Any = exception) -> None:
            duties.refuse_exception(actor, DutyException.objects.get(pk=exception.pk), decision="No.")

        outcomes = together(("compliance_officer", decide), ("compliance_officer", refuse))
        assert sorted(outcomes) == [DONE, "state.illegal"], outcomes
        with table.scope("compliance_officer") as officer:
            present = DutyException.objects.get(pk=exception.pk)
            assert present.state == ("granted" if outcomes[0] == DONE else "refused")
            if present.state == "granted":
                duties.revoke_exception(officer, present, reason="Next round.")
