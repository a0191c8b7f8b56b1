"""Eight people act on one change at random and at the same moment; then nobody may have done two duties, and no quorum be short.

`RELEASETRAIN_RACE_CHANGES` says how many changes; the security scorecard runs 200.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from governance.actions import boards, changes
from governance.models import ChangeDeployment, ChangeRequest, Vote
from releasetrain.accounts.actions import grant, scope_for
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope
from tests.governance.gateway import Gateway
from tests.governance.test_duties import PLANS
from trains.actions.deployments import record_deployment
from trains.actions.releases import create_release
from trains.actions.scope import add_item
from trains.models import Release

CHANGES = int(os.environ.get("RELEASETRAIN_RACE_CHANGES", "8"))
ACTS_EACH = 4
QUORUM = 2
MEMBERS = ("cab_member", "second_cab_member", "third_cab_member", "change_manager")
ACTORS = (*MEMBERS, "release_manager", "rte", "problem_manager", "compliance_officer")
STANDING = ("approved", "scheduled", "implementing", "completed")


@pytest.fixture
def ground(committed_db: Any, cast: Any) -> Gateway:
    made = Gateway(cast)
    with made.scope("owner"):
        for actor in ACTORS:
            for role in ("release_manager", "cab_member"):
                if actor.endswith(role):
                    continue
                grant(cast.user(actor), role, scope_for(cast.organization))
    cast.clear()
    for actor in ACTORS:
        _ = cast[actor].name
    return made


@pytest.mark.timeout(1800)
def test_eight_people_acting_at_random_break_no_duty(
    ground: Gateway, cast: Any, record_property: Any
) -> None:
    seed = int(os.environ.get("RELEASETRAIN_RACE_SEED", random.SystemRandom().randrange(10**8)))
    print(f"seed {seed}")  # shown where the test fails
    chance, outcomes = random.Random(seed), Counter()
    with ground.scope("change_manager") as chair:
        board = boards.create_board(chair, name="CAB", quorum=QUORUM)
        for member in MEMBERS:
            boards.add_member(chair, board, email=cast.user(member).email)
    for number in range(CHANGES):
        change, release = _waiting(ground, board, number, author=chance.choice(ACTORS))
        plans = {
            actor: [chance.choice(_ACTS)(ground, change, release, chance) for _ in range(ACTS_EACH)]
            for actor in ACTORS
        }
        outcomes += _at_once(cast, plans)
        _check(ground, change)
    told = ", ".join(f"{number} {name}" for name, number in outcomes.most_common())
    record_property(
        "summary", f"Duties raced: {CHANGES} changes × {len(ACTORS)} actors, acts: {told}; 0 violations"
    )
    assert outcomes["done"] > CHANGES


def _waiting(ground: Gateway, board: Any, number: int, author: str) -> tuple[ChangeRequest, Release]:
    with ground.scope("release_manager") as manager:
        release = create_release(
            manager,
            train=ground.train,
            version=f"1.{number}.0",
            name=f"R{number}",
            tier=3,
            rollback_plan="Redeploy.",
        )
    with ground.scope(author) as actor:
        change = changes.create_change(
            actor,
            title=f"Change {number}",
            board=board,
            release=release,
            window_starts=now() - timedelta(hours=1),
            window_ends=now() + timedelta(hours=3),
            **PLANS,
        )
        return changes.submit(actor, change), release


# -- what people try -----------------------------------------------------------------------------------------------------------


def _vote(ground: Gateway, change: Any, release: Any, chance: random.Random) -> Callable[[Any], Any]:
    choice = chance.choice(["approve"] * 5 + ["reject", "abstain"])
    return lambda actor: changes.vote(actor, _present(change), choice=choice, rationale="So.")


def _vote_for_another(
    ground: Gateway, change: Any, release: Any, chance: random.Random
) -> Callable[[Any], Any]:
    email = ground.cast.user(chance.choice(MEMBERS)).email
    return lambda actor: changes.vote(
        actor, _present(change), choice=Vote.Choice.APPROVE, rationale="For them.", on_behalf_of=email
    )


def _edit(ground: Gateway, change: Any, release: Any, chance: random.Random) -> Callable[[Any], Any]:
    plan = f"Plan {chance.random()}"
    return lambda actor: changes.edit_change(actor, _present(change), backout_plan=plan)


def _submit(ground: Gateway, change: Any, release: Any, chance: random.Random) -> Callable[[Any], Any]:
    return lambda actor: changes.submit(actor, _present(change))


def _widen(ground: Gateway, change: Any, release: Any, chance: random.Random) -> Callable[[Any], Any]:
    title = f"Item {chance.random()}"
    return lambda actor: add_item(actor, Release.objects.get(pk=release.pk), title=title)


def _deploy(ground: Gateway, change: Any, release: Any, chance: random.Random) -> Callable[[Any], Any]:
    name = f"run-{chance.random()}"
    return lambda actor: record_deployment(
        actor,
        service=ground.service,
        environment=ground.production,
        version=name,
        status="succeeded",
        release=Release.objects.get(pk=release.pk),
        source="ci",
        external_id=name,
    )


_ACTS = (_vote, _vote, _vote, _vote, _vote_for_another, _edit, _submit, _widen, _deploy, _deploy)


def _present(change: ChangeRequest) -> ChangeRequest:
    return ChangeRequest.objects.get(pk=change.pk)


def _at_once(cast: Any, plans: dict[str, list[Callable[[Any], Any]]]) -> Counter[str]:
    line, outcomes, unexpected = threading.Barrier(len(plans)), Counter(), []

    def perform(role: str) -> None:
        try:
            connection.ensure_connection()
            line.wait(30)
            for act in plans[role]:
                try:
                    with tenant_scope(cast.organization.pk, cast[role]):
                        act(cast[role])
                    outcomes["done"] += 1
                except Refused:
                    outcomes["refused"] += 1
                except DatabaseError as error:
                    # A deadlock or a guard of the database: nothing was written.
                    outcomes[f"database: {type(error).__name__}"] += 1
        except BaseException as error:  # told by the test's own thread
            unexpected.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=perform, args=(role,)) for role in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not unexpected, unexpected
    return outcomes


# -- what must hold afterwards -------------------------------------------------------------------------------------------------


def _check(ground: Gateway, change: ChangeRequest) -> None:
    with ground.scope("auditor"):
        row = _present(change)
        votes = list(Vote.objects.filter(change=row, revision=row.revision))
        assert len({vote.voter_id for vote in votes}) == len(votes), "a person has two votes"
        assert {vote.content_digest for vote in votes} <= {row.content_digest}, (
            "a vote for another content counts"
        )
        makers = set(row.contributors.values_list("user_id", flat=True))
        approvals = [vote for vote in votes if vote.choice == Vote.Choice.APPROVE]
        deciders = {vote.voter_id for vote in approvals} | {vote.cast_by_id for vote in approvals}
        if row.state in STANDING:
            assert len(votes) >= QUORUM, "approved below the quorum"
            assert not deciders & makers, "who made it approved it"
            assert len({vote.cast_by_id for vote in votes}) == len(votes), "one hand cast two votes"
        for link in ChangeDeployment.objects.filter(change=row, authorised=True).select_related("deployment"):
            assert row.approved_at is None or row.approved_at <= link.deployment.started_at
            assert link.deployment.deployed_by_id not in deciders, "who approved it deployed it"
