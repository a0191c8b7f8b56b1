"""Change approval as a state machine: whatever people do in whatever order, a simple model knows what may stand.

Never approved without a quorum of different, eligible people on the very content that stands; no approver is author, coder,
resolver, tester at high risk, or deployer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from governance.actions import boards, changes
from governance.models import BoardMember, ChangeDeployment, ChangeRequest, Vote
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import Gateway, digest_of
from tests.governance.test_duties import PLANS
from trains.actions.artifacts import register_artifact
from trains.actions.commits import CommitRow, record_many
from trains.actions.deployments import record_deployment
from trains.actions.releases import create_release
from trains.actions.scope import add_item, attach_artifact
from trains.models import Release

MEMBERS = ("cab_member", "second_cab_member", "third_cab_member", "change_manager")
QUORUM = 2
STANDING = ("approved", "scheduled", "implementing")
role = st.sampled_from(MEMBERS)


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_no_order_of_acts_leads_to_an_approval_that_should_not_be(cast: Any) -> None:
    ground = Gateway(cast)
    from releasetrain.accounts.actions import grant, scope_for

    with ground.scope("owner"):
        # Everybody holds every role that matters: duties are kept apart by what was done, not by who may in general.
        for member in MEMBERS:
            grant(cast.user(member), "release_manager", scope_for(cast.organization))
    cast.clear()
    users = {member: cast.user(member) for member in MEMBERS}

    class Approving(RuleBasedStateMachine):
        """The product beside a model of it: sets of people and a counter of contents."""

        def __init__(self) -> None:
            super().__init__()
            self.number = 0
            self.savepoint = transaction.atomic()
            self.savepoint.__enter__()

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)
            transaction.set_rollback(False)

        @initialize(author=role, risk=st.sampled_from(("low", "medium", "high")))
        def begin(self, author: str, risk: str) -> None:
            with ground.scope("release_manager") as manager:
                self.release = create_release(
                    manager,
                    train=ground.train,
                    version="1.0.0",
                    name="One",
                    tier=3,
                    rollback_plan="Redeploy.",
                )
            with ground.scope("change_manager") as chair:
                self.board = boards.create_board(chair, name="CAB", quorum=QUORUM)
                for member in MEMBERS:
                    boards.add_member(chair, self.board, email=users[member].email)
            with ground.scope(author) as actor:
                self.change = changes.create_change(
                    actor,
                    title="One",
                    board=self.board,
                    release=self.release,
                    risk=risk,
                    window_starts=now() - timedelta(hours=1),
                    window_ends=now() + timedelta(hours=5),
                    **PLANS,
                )
            self.risk = risk
            self.makers = {author}  # authors, coders
            self.coders: set[str] = set()
            self.seated = set(MEMBERS)
            self.voted: dict[str, str] = {}  # whose vote -> whose hand, on the present content
            self.hands: set[str] = set()
            self.deployed: set[str] = set()

        # -- acts ------------------------------------------------------------------------------------------------------------------

        def attempt(self, who: str, act: Any) -> bool:
            """Whether the product let it happen."""
            try:
                with transaction.atomic(), ground.scope(who) as actor:
                    act(actor, ChangeRequest.objects.get(pk=self.change.pk))
            except Refused:
                return False
            return True

        def fresh(self) -> None:
            """Another content: every vote is void."""
            self.voted, self.hands = {}, set()

        @rule(who=role)
        def submit(self, who: str) -> None:
            self.attempt(who, changes.submit)

        @rule(who=role)
        def edit(self, who: str) -> None:
            self.number += 1
            text = f"Plan {self.number}"
            if self.attempt(who, lambda a, c: changes.edit_change(a, c, backout_plan=text)):
                self.makers.add(who)
                self.fresh()

        @rule(who=role)
        def withdraw(self, who: str) -> None:
            if self.attempt(who, lambda a, c: changes.withdraw(a, c, reason="Not yet.")):
                self.fresh()

        @rule(who=role, choice=st.sampled_from(["approve", "approve", "approve", "reject", "abstain"]))
        def vote(self, who: str, choice: str) -> None:
            before = self.row()
            done = self.attempt(who, lambda a, c: changes.vote(a, c, choice=choice, rationale="So."))
            if done:
                assert before.state == "awaiting_approval"
                assert who in self.seated
                assert who not in self.makers
                assert who not in self.hands | set(self.voted)
                self.hands.add(who)
                if choice == "approve":
                    self.voted[who] = who
                else:
                    self.hands.add(who)

        @rule(hand=role, member=role)
        def vote_for_another(self, hand: str, member: str) -> None:
            email = users[member].email

            def act(actor: Any, change: Any) -> None:
                changes.vote(
                    actor, change, choice=Vote.Choice.APPROVE, rationale="For them.", on_behalf_of=email
                )

            if self.attempt(hand, act):
                assert not {hand, member} & self.makers, "delegation laundered a duty"
                assert not {hand, member} & (self.hands | set(self.voted))
                self.voted[member] = hand
                self.hands |= {hand, member}

        @rule(hand=role, member=role)
        def name_deputy(self, hand: str, member: str) -> None:
            with ground.scope("change_manager") as chair, _quietly():
                boards.add_member(chair, self.board, email=users[hand].email, deputy_of=users[member].email)

        @rule(member=role)
        def remove_member(self, member: str) -> None:
            if len(self.seated) <= QUORUM:
                return
            with ground.scope("change_manager") as chair:
                seats = BoardMember.objects.filter(board=self.board, removed_at__isnull=True)
                for seat in seats.filter(user=users[member], deputy_of__isnull=True):
                    boards.remove_member(chair, seat, reason="Moved.")
            self.seated.discard(member)

        @rule()
        def change_scope(self) -> None:
            self.number += 1
            with ground.scope("release_manager") as manager, _quietly():
                add_item(manager, Release.objects.get(pk=self.release.pk), title=f"Item {self.number}")
                if self.row().state != "implementing":
                    self.fresh()

        @rule(coder=role)
        def attach_artifact_of(self, coder: str) -> None:
            self.number += 1
            with ground.scope("rte") as rte:
                row = CommitRow(
                    "ledger",
                    f"sha{self.number:04}",
                    now(),
                    author_name=coder,
                    author_email=users[coder].email.upper(),
                )
                record_many(rte, [row])
            with ground.scope("release_manager") as manager, _quietly():
                artifact = register_artifact(
                    manager,
                    service=ground.service,
                    digest=digest_of(f"{self.number}"),
                    version=f"{self.number}",
                    commit=f"sha{self.number:04}",
                )
                attach_artifact(manager, Release.objects.get(pk=self.release.pk), artifact=artifact)
                # One build of a service: the one before no longer counts.
                self.coders = {coder}
                self.fresh()

        @rule(who=role)
        def deploy(self, who: str) -> None:
            self.number += 1
            name = f"run-{self.number}"

            def act(actor: Any, change: Any) -> None:
                record_deployment(
                    actor,
                    service=ground.service,
                    environment=ground.production,
                    version=name,
                    status="succeeded",
                    release=Release.objects.get(pk=self.release.pk),
                    source="ci",
                    external_id=name,
                )

            if self.attempt(who, act):
                with ground.scope("auditor"):
                    link = ChangeDeployment.objects.get(deployment__external_id=name)
                    if link.authorised:
                        assert who not in self.hands & (set(self.voted) | set(self.voted.values()))
                        assert self.row().state in STANDING
                self.deployed.add(who)

        # -- what always holds -----------------------------------------------------------------------------------------------------

        def row(self) -> ChangeRequest:
            with ground.scope("auditor"):
                return ChangeRequest.objects.get(pk=self.change.pk)

        @invariant()
        def an_approval_is_one(self) -> None:
            if not hasattr(self, "change"):
                return
            row = self.row()
            if row.state not in STANDING:
                return
            with ground.scope("auditor"):
                votes = list(
                    Vote.objects.filter(change=row, revision=row.revision, content_digest=row.content_digest)
                )
            approvals = [v for v in votes if v.choice == "approve"]
            people = {v.voter_id for v in votes} | {v.cast_by_id for v in votes}
            by_id = {user.pk: name for name, user in users.items()}
            assert len(votes) >= QUORUM
            assert len({v.voter_id for v in votes}) == len(votes) == len({v.cast_by_id for v in votes})
            assert {by_id[v.voter_id] for v in approvals} == set(self.voted)
            makers = {by_id[p] for p in people} & self.makers
            assert not makers, f"{makers} made it and decided it"
            approvers = {by_id[v.voter_id] for v in approvals} | {by_id[v.cast_by_id] for v in approvals}
            assert not approvers & self.coders, f"{approvers & self.coders} wrote the code and approved it"

    run_state_machine_as_test(
        Approving,
        settings=settings(
            max_examples=12,
            stateful_step_count=22,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _quietly() -> Any:
    """What is refused here is not the point."""
    from contextlib import suppress

    return suppress(Refused)
