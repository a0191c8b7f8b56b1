"""Changes and the CAB: votes bound to content, quorum, segregation of duties in code and in the database."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from governance.actions import boards, changes
from governance.models import Board, ChangeRequest, Vote
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope

PLANS = {"implementation_plan": "Deploy.", "test_plan": "Smoke test.", "backout_plan": "Redeploy 1.0.0."}
MEMBERS = ("cab_member", "second_cab_member", "third_cab_member", "change_manager")


def board_of(cast: Any, quorum: int = 2) -> Board:
    board = boards.create_board(cast["change_manager"], name="CAB", quorum=quorum)
    for role in MEMBERS:
        boards.add_member(cast["change_manager"], board, email=cast.user(role).email)
    return board


def window() -> dict[str, Any]:
    from datetime import timedelta

    from releasetrain.kernel.clock import now

    return {"window_starts": now() + timedelta(days=1), "window_ends": now() + timedelta(days=1, hours=2)}


def submitted(cast: Any, quorum: int = 2) -> ChangeRequest:
    change = changes.create_change(
        cast["release_manager"], title="Raise the limit", board=board_of(cast, quorum), **window(), **PLANS
    )
    return changes.submit(cast["release_manager"], change)


def approve(cast: Any, change: ChangeRequest, role: str) -> ChangeRequest:
    return changes.vote(cast[role], change, choice=Vote.Choice.APPROVE, rationale="Tests are green.")


@pytest.mark.django_db
def test_a_change_is_approved_when_the_quorum_has_spoken(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    assert approve(cast, change, "cab_member").state == "awaiting_approval"
    change = approve(cast, change, "second_cab_member")
    assert (change.state, change.approved_revision, change.stands) == ("approved", 1, True)


@pytest.mark.django_db
def test_an_incomplete_change_is_not_submitted_and_everything_missing_is_named(
    cast: Any, in_northwind: Any
) -> None:
    change = changes.create_change(cast["release_manager"], title="Raise the limit", board=board_of(cast))
    with pytest.raises(Refused) as refused:
        changes.submit(cast["release_manager"], change)
    assert {r.field for r in refused.value.refusals} == {
        "implementation_plan",
        "test_plan",
        "backout_plan",
        "window_starts",
    }


@pytest.mark.django_db
def test_the_author_cannot_decide(cast: Any, in_northwind: Any) -> None:
    board = board_of(cast)
    boards.add_member(cast["change_manager"], board, email=cast.user("compliance_officer").email)
    change = changes.create_change(cast["change_manager"], title="Mine", board=board, **window(), **PLANS)
    changes.submit(cast["change_manager"], change)
    with pytest.raises(Refused) as refused:
        approve(cast, change, "change_manager")
    assert refused.value.code == "segregation.contributor"


@pytest.mark.django_db
def test_the_database_refuses_the_authors_vote_too(cast: Any, in_northwind: Any) -> None:
    board = board_of(cast)
    change = changes.create_change(cast["change_manager"], title="Mine", board=board, **window(), **PLANS)
    change = changes.submit(cast["change_manager"], change)
    author = cast.user("change_manager")
    with pytest.raises(DatabaseError, match="does not decide it"), transaction.atomic():
        Vote.objects.create(
            change=change, board=board, revision=1, content_digest=change.content_digest, voter=author, cast_by=author,
            choice="approve", rationale="I wrote it",
        )  # fmt: skip


@pytest.mark.django_db
def test_nobody_votes_twice(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    approve(cast, change, "cab_member")
    with pytest.raises(Refused, match="You have voted"):
        approve(cast, change, "cab_member")


@pytest.mark.django_db
def test_a_deputy_votes_once_in_whichever_place(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    boards.add_member(
        cast["change_manager"],
        change.board,
        email=cast.user("cab_member").email,
        deputy_of=cast.user("second_cab_member").email,
    )
    changes.vote(
        cast["cab_member"],
        change,
        choice=Vote.Choice.APPROVE,
        rationale="In her place.",
        on_behalf_of=cast.user("second_cab_member").email,
    )
    with pytest.raises(Refused):
        approve(cast, change, "cab_member")
    with pytest.raises(Refused):
        approve(cast, change, "second_cab_member")
    assert change.votes.count() == 1


@pytest.mark.django_db
def test_somebody_without_a_seat_has_no_vote(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    with pytest.raises(Refused) as refused:
        approve(cast, change, "problem_manager")
    assert refused.value.code == "vote.no_seat"


@pytest.mark.django_db
def test_approval_falls_when_the_content_changes_and_is_asked_again(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    approve(cast, change, "cab_member")
    change = approve(cast, change, "second_cab_member")
    change = changes.edit_change(cast["release_manager"], change, backout_plan="None.")
    assert (change.state, change.revision, change.approved_revision) == ("awaiting_approval", 2, None)
    assert "Approval fell" in change.fell_because
    approve(cast, change, "cab_member")
    assert approve(cast, change, "second_cab_member").approved_revision == 2


@pytest.mark.django_db
def test_a_vote_on_a_revision_that_is_gone_is_refused(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    changes.edit_change(cast["release_manager"], change, backout_plan="None.")
    with pytest.raises(Refused) as refused:
        changes.vote(cast["cab_member"], change, choice=Vote.Choice.APPROVE, rationale="Fine.", revision=1)
    assert refused.value.code == "change.moved_on"


@pytest.mark.django_db
def test_rejection_stands_when_approval_has_become_impossible(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    for role in ("cab_member", "second_cab_member"):
        change = changes.vote(cast[role], change, choice=Vote.Choice.REJECT, rationale="No backout.")
    assert change.state == "rejected"


@pytest.mark.django_db
def test_conditions_are_kept_with_the_approval(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    changes.vote(
        cast["cab_member"],
        change,
        choice=Vote.Choice.CONDITIONS,
        rationale="Only so.",
        conditions="Tell support\nWatch for an hour",
    )
    assert [c.text for c in change.conditions.all()] == ["Tell support", "Watch for an hour"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE governance_changerequest SET state = 'approved', approved_revision = revision, approved_digest = content_digest",
            "quorum",
        ),
        ("UPDATE governance_changerequest SET content_digest = 'sha256:other'", "new revision"),
        ("UPDATE governance_changerequest SET revision = revision + 2", "one by one"),
        ("UPDATE governance_changerequest SET author_id = gen_random_uuid()", "author"),
    ],
)
def test_raw_sql_cannot_approve_or_swap_content(
    cast: Any, in_northwind: Any, statement: str, named: str
) -> None:
    submitted(cast)
    with pytest.raises(DatabaseError, match=named), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_votes_never_change(cast: Any, in_northwind: Any) -> None:
    change = submitted(cast)
    approve(cast, change, "cab_member")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_vote SET choice = 'reject'")


def test_concurrent_votes_and_edits_never_approve_a_content_nobody_voted_on(
    committed_db: Any, cast: Any
) -> None:
    """Members vote while the author edits: whatever stands approved was voted on by a quorum at that very revision."""
    organization = cast.organization.pk
    with tenant_scope(organization, cast["change_manager"]):
        change = submitted(cast, quorum=3)
    actors = {role: cast[role] for role in (*MEMBERS, "release_manager")}
    unexpected: list[BaseException] = []

    def act(role: str, times: int) -> None:
        try:
            for turn in range(times):
                try:
                    with tenant_scope(organization, actors[role]):
                        subject = ChangeRequest.objects.get(pk=change.pk)
                        if role == "release_manager":
                            changes.edit_change(actors[role], subject, backout_plan=f"Plan {turn}")
                        else:
                            changes.vote(actors[role], subject, choice=Vote.Choice.APPROVE, rationale="Fine.")
                except (Refused, DatabaseError):
                    continue
        except BaseException as error:  # reported by the test's own thread
            unexpected.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(role, 12)) for role in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not unexpected
    with tenant_scope(organization, cast["change_manager"]):
        for row in ChangeRequest.history.filter(id=change.pk, state="approved"):
            votes = Vote.objects.filter(
                change=change, revision=row.revision, content_digest=row.content_digest
            )
            assert votes.count() >= 3
            assert votes.filter(voter_id=row.author_id).count() == 0
        assert Vote.objects.values("revision", "voter").distinct().count() == Vote.objects.count()


@pytest.fixture
def shop(cast: Any, in_northwind: Any) -> dict[str, Any]:
    """A service, its production environment, and a train to release it with."""
    from datetime import date

    from trains.actions import environments, services, trains
    from trains.models import Environment

    train = trains.create_train(cast["owner"], key="SHOP", name="Shop", cadence_start=date(2026, 1, 5))
    return {
        "train": train,
        "service": services.create_service(cast["owner"], name="basket", train=train),
        "production": environments.create_environment(
            cast["owner"], name="production", kind=Environment.Kind.PRODUCTION
        ),
    }


def start(cast: Any, shop: dict[str, Any], **more: Any) -> Any:
    from trains.actions.deployments import record_deployment
    from trains.models import Deployment

    return record_deployment(
        cast["service_account"],
        service=shop["service"],
        environment=shop["production"],
        status=Deployment.State.RUNNING,
        version="1.0.1",
        **more,
    )


@pytest.mark.django_db
def test_an_emergency_deployment_needs_an_approved_emergency_change(cast: Any, shop: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        start(cast, shop, emergency=True)
    assert refused.value.code == "deployment.emergency"
    change = changes.create_change(
        cast["release_manager"], title="Stop the leak", board=board_of(cast), service=shop["service"], type=ChangeRequest.Type.EMERGENCY,
        **window(), **PLANS,
    )  # fmt: skip
    change = changes.submit(cast["release_manager"], change)
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    assert start(cast, shop, emergency=True).emergency


@pytest.mark.django_db
def test_a_deployment_without_a_change_is_recorded_as_not_authorised(cast: Any, shop: dict[str, Any]) -> None:
    from governance.models import ChangeDeployment

    deployment = start(cast, shop)
    link = ChangeDeployment.objects.get(deployment=deployment)
    assert (link.authorised, link.change) == (False, None)


@pytest.mark.django_db
def test_what_started_before_the_approval_was_not_authorised_however_late_it_is_reported(
    cast: Any, shop: dict[str, Any]
) -> None:
    from datetime import timedelta

    from governance.models import ChangeDeployment
    from releasetrain.kernel.clock import now

    change = changes.create_change(
        cast["release_manager"], title="Raise", board=board_of(cast), service=shop["service"],
        window_starts=now() - timedelta(hours=1), window_ends=now() + timedelta(hours=1), **PLANS,
    )  # fmt: skip
    change = changes.submit(cast["release_manager"], change)
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    early = start(cast, shop, started_at=change.approved_at - timedelta(minutes=1))
    link = ChangeDeployment.objects.get(deployment=early)
    assert (link.authorised, link.change) == (False, change)
    assert link.reason == f"It started before {change.key} was approved."
    with pytest.raises(DatabaseError, match="started before its change was approved"), transaction.atomic():
        ChangeDeployment.objects.create(deployment=early, change=change, authorised=True, reason="approved")
    later = start(cast, shop)
    assert ChangeDeployment.objects.get(deployment=later).authorised


@pytest.mark.django_db
def test_who_approved_a_change_does_not_deploy_it(cast: Any, shop: dict[str, Any]) -> None:
    from datetime import timedelta

    from governance.models import ChangeDeployment
    from releasetrain.kernel.clock import now
    from trains.models import Deployment

    hours = {"window_starts": now() - timedelta(hours=1), "window_ends": now() + timedelta(hours=1)}
    change = changes.create_change(
        cast["release_manager"],
        title="Raise",
        board=board_of(cast),
        service=shop["service"],
        **hours,
        **PLANS,
    )
    change = changes.submit(cast["release_manager"], change)
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    deployment = Deployment(
        service=shop["service"],
        environment=shop["production"],
        started_at=now(),
        deployed_by=cast.user("cab_member"),
        version="2",
    )
    deployment.save()
    with pytest.raises(DatabaseError, match="does not deploy"), transaction.atomic():
        ChangeDeployment.objects.create(
            deployment=deployment, change=change, authorised=True, reason="approved"
        )


@pytest.mark.django_db
def test_a_new_production_environment_asks_the_board_again_instead_of_locking_it_out(
    cast: Any, shop: dict[str, Any]
) -> None:
    from trains.actions import environments, releases, scope
    from trains.models import Environment

    board = board_of(cast)
    release = releases.create_release(cast["release_manager"], train=shop["train"], version="1.0.0")
    scope.add_item(cast["release_manager"], release, title="Baskets keep their content")
    change = changes.create_change(
        cast["release_manager"], title="Release 1.0.0", board=board, release=release, **window(), **PLANS
    )
    change = changes.submit(cast["release_manager"], change)
    approve(cast, change, "cab_member")
    environments.create_environment(cast["owner"], name="production-us", kind=Environment.Kind.PRODUCTION)
    change.refresh_from_db()
    assert (change.state, change.revision) == ("awaiting_approval", 2)
    approve(cast, change, "cab_member")
    assert approve(cast, change, "second_cab_member").stands
