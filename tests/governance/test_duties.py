"""Segregation of duties: the matrix and its floor, refusals at the act for people, deputies and tokens, two persons, near misses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.actions import boards, changes, duties
from governance.models import (
    ChangeDeployment,
    ChangeRequest,
    DeploymentValidation,
    DutyException,
    DutyMatrix,
    DutyNearMiss,
    Vote,
)
from governance.queries import duties as queries
from governance.rules import duties as rules
from governance.rules.duties import Act, Level
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import Gateway, junit
from trains.actions.commits import CommitRow, record_many
from trains.actions.deployments import record_deployment
from trains.actions.releases import create_release, freeze_release, scope_release
from trains.actions.scope import add_item, attach_artifact

PLANS = {"implementation_plan": "Deploy.", "test_plan": "Smoke test.", "backout_plan": "Redeploy 1.0.0."}
BOARD = ("cab_member", "second_cab_member", "third_cab_member", "change_manager")
LEVELS = st.sampled_from(list(Level))
CELLS = st.fixed_dictionaries(
    {p: st.fixed_dictionaries({t: LEVELS.map(str) for t in rules.TIERS}) for p in rules.PAIRS}
)


# -- the matrix --------------------------------------------------------------------------------------------------------------------


@given(cells=CELLS, tier=st.sampled_from([*rules.TIERS, "?"]), pair=st.sampled_from(rules.PAIRS))
def test_whatever_an_organization_says_the_floor_holds(cells: Any, tier: str, pair: str) -> None:
    first, second = pair.split("+")
    level = rules.level(cells, tier, first, second)
    assert level == rules.level(cells, tier, second, first)
    known = tier if tier in rules.TIERS else "high"
    assert rules.RANK[level] >= rules.RANK[rules.FLOOR[pair][known]]
    assert rules.RANK[level] >= rules.RANK[cells[pair][known]]


@given(before=CELLS, after=CELLS)
def test_loosening_is_never_taken_for_tightening(before: Any, after: Any) -> None:
    expected = any(
        rules.RANK[after[p][t]] < rules.RANK[before[p][t]] for p in rules.PAIRS for t in rules.TIERS
    )
    assert rules.loosened(before, after) is expected


@given(done=st.sets(st.sampled_from(list(Act))))
def test_nobody_with_a_hand_in_a_change_approves_it(done: set[Act]) -> None:
    makers = done & {Act.CODED, Act.AUTHORED, Act.RESOLVED, Act.DEPLOYED}
    for tier in rules.TIERS:
        found = rules.conflicts(rules.STANDARD, tier, done, Act.APPROVED)
        assert {c.done for c in found if c.level == Level.FORBIDDEN} == makers


def test_the_standard_is_not_below_the_floor() -> None:
    assert rules.below_floor(rules.STANDARD) == []


@pytest.mark.django_db
def test_the_database_knows_the_same_table(cast: Any, in_northwind: Any) -> None:
    with connection.cursor() as cursor:
        for pair in rules.PAIRS:
            for tier in rules.TIERS:
                cursor.execute("SELECT duty_level(%s, %s, %s)", [*pair.split("+"), tier])
                assert cursor.fetchone()[0] == rules.RANK[rules.STANDARD[pair][tier]], (pair, tier)


def change_matrix(actor: Any, first: Act, second: Act, high: str, medium: str, low: str) -> DutyMatrix:
    return duties.change_matrix(
        actor, first=first, second=second, high=high, medium=medium, low=low, reason="Audit finding 7."
    )


@pytest.mark.django_db
def test_a_stricter_matrix_is_in_force_at_once_and_a_looser_one_takes_two(
    cast: Any, in_northwind: Any
) -> None:
    officer = cast["compliance_officer"]
    first = change_matrix(officer, Act.AUTHORED, Act.DEPLOYED, "forbidden", "forbidden", "allowed")
    assert (first.number, first.state, first.loosens) == (1, "in_force", False)
    looser = change_matrix(officer, Act.AUTHORED, Act.DEPLOYED, "forbidden", "allowed", "allowed")
    assert (looser.number, looser.state) == (2, "proposed")
    assert queries.in_force() == first
    with pytest.raises(Refused) as refused:
        duties.confirm_matrix(officer, looser, reason="Fine.")
    assert refused.value.code == "segregation.matrix"
    with pytest.raises(IntegrityError), transaction.atomic():
        DutyMatrix.objects.filter(pk=looser.pk).update(state="in_force", confirmed_by=looser.proposed_by)
    from releasetrain.accounts.actions import grant, scope_for

    grant(cast.user("auditor"), "compliance_officer", scope_for(cast.organization))
    duties.confirm_matrix(cast["auditor"], looser, reason="Agreed with audit.")
    assert queries.in_force() == looser


@pytest.mark.django_db
def test_nothing_goes_below_the_floor(cast: Any, in_northwind: Any) -> None:
    with pytest.raises(Refused) as refused:
        change_matrix(
            cast["compliance_officer"], Act.CODED, Act.APPROVED, "forbidden", "second_person", "allowed"
        )
    assert (refused.value.code, refused.value.refusals[0].field) == ("duty.floor", "medium")
    # A row written past the code has no effect either.
    DutyMatrix.objects.create(
        number=1,
        state="in_force",
        cells=rules._cells({}),
        changed="all",
        reason="x",
        proposed_by=cast.user("owner"),
    )
    assert rules.level(queries.cells_in_force(), "low", Act.CODED, Act.APPROVED) == Level.FORBIDDEN
    with connection.cursor() as cursor:
        cursor.execute("SELECT duty_level('coded', 'approved', 'low')")
        assert cursor.fetchone()[0] == 2


# -- acts on a change --------------------------------------------------------------------------------------------------------------


class Chain(Gateway):
    """Release 5.2.0, whose code the developer wrote, on its way through the board to production."""

    def __init__(self, cast: Any, risk: str = "high", author_email: str = "") -> None:
        super().__init__(cast)
        self.author_email = author_email or cast.user("developer").email
        artifact = self.artifact("5.2.0")
        with self.scope("release_manager") as manager:
            self.release = create_release(
                manager, train=self.train, version="5.2.0", name="Payments", tier=3, rollback_plan="Redeploy."
            )
            add_item(manager, self.release, title="Instant payments", source_key="FEAT-1")
            scope_release(manager, self.release)
            freeze_release(manager, self.release)
            attach_artifact(manager, self.release, artifact=artifact)
        with self.scope("change_manager") as chair:
            self.board = boards.create_board(chair, name="CAB", quorum=2)
            for role in (*BOARD, "developer"):
                boards.add_member(chair, self.board, email=cast.user(role).email)
        with self.scope("release_manager") as author:
            self.change = changes.create_change(
                author,
                title="Release 5.2.0",
                board=self.board,
                release=self.release,
                risk=risk,
                window_starts=now() - timedelta(hours=1),
                window_ends=now() + timedelta(hours=3),
                **PLANS,
            )
            changes.submit(author, self.change)
        self.to_test = self.deploy(self.test, "service_account", "test-1")
        self.carried(self.to_test)

    def carried(self, deployment: Any) -> None:
        with self.scope("rte") as rte:
            rows = [
                CommitRow(
                    "ledger",
                    f"abc{n}def",
                    now() - timedelta(days=2),
                    author_name="Dev",
                    author_email=self.author_email,
                )
                for n in range(3)
            ]
            record_many(rte, rows, deployment=deployment)

    def deploy(self, environment: Any, role: str, run: str, status: str = "running", **said: Any) -> Any:
        with self.scope(role) as actor:
            return record_deployment(
                actor,
                service=self.service,
                environment=environment,
                release=self.release,
                version="5.2.0",
                status=status,
                source="ci",
                external_id=run,
                **said,
            )

    def vote(self, role: str, **said: Any) -> Any:
        with self.scope(role) as member:
            return changes.vote(
                member,
                ChangeRequest.objects.get(pk=self.change.pk),
                choice=said.pop("choice", Vote.Choice.APPROVE),
                rationale="Fine.",
                **said,
            )

    def approved(self, *roles: str) -> None:
        for role in roles or ("cab_member", "second_cab_member"):
            self.vote(role)
        with self.scope("release_manager") as manager:
            from trains.actions.releases import mark_ready

            self.release.refresh_from_db()
            mark_ready(manager, self.release)
            self.release.refresh_from_db()

    def give(self, role: str, wanted: str) -> None:
        """One more role for somebody: duties are kept apart whatever roles they hold."""
        from releasetrain.accounts.actions import grant, scope_for

        with self.scope("owner"):
            grant(self.cast.user(role), wanted, scope_for(self.cast.organization))
        self.cast.pop(role, None)


@pytest.fixture
def chain(cast: Any) -> Chain:
    return Chain(cast)


@pytest.mark.django_db
def test_whoever_wrote_the_code_does_not_approve_it(chain: Chain, cast: Any) -> None:
    chain.give("developer", "cab_member")
    with pytest.raises(Refused) as refused:
        chain.vote("developer")
    assert refused.value.code == "segregation.approved"
    assert "wrote the code" in refused.value.refusals[0].sentence
    with chain.scope("auditor"):
        assert not Vote.objects.exists()
        with pytest.raises(IntegrityError), transaction.atomic():
            change = ChangeRequest.objects.get(pk=chain.change.pk)
            Vote.objects.create(
                change=change,
                board=chain.board,
                revision=change.revision,
                content_digest=change.content_digest,
                voter=cast.user("developer"),
                cast_by=cast.user("developer"),
                choice="approve",
                rationale="Mine is good.",
            )


@pytest.mark.django_db
def test_a_deputy_inherits_what_stands_against_the_member_and_the_other_way_round(
    chain: Chain, cast: Any
) -> None:
    chain.give("developer", "cab_member")
    with chain.scope("change_manager") as chair:
        developer, member = cast.user("developer").email, cast.user("cab_member").email
        boards.add_member(chair, chain.board, email=developer, deputy_of=member)
        boards.add_member(chair, chain.board, email=member, deputy_of=developer)
    for role, principal in (("developer", "cab_member"), ("cab_member", "developer")):
        with pytest.raises(Refused) as refused:
            chain.vote(role, on_behalf_of=cast.user(principal).email)
        assert refused.value.code.startswith("segregation."), role


@pytest.mark.django_db
def test_a_refused_act_leaves_a_near_miss_and_nothing_else(
    chain: Chain, cast: Any, api: Any, web: Any
) -> None:
    chain.give("developer", "cab_member")
    answer = api("developer").post(
        f"/api/v1/orgs/northwind/changes/{chain.change.key}/vote",
        {"choice": "approve", "rationale": "Mine is good."},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "segregation.approved")
    with chain.scope("auditor"):
        miss = DutyNearMiss.objects.get()
        assert (miss.user, miss.verb, miss.change_id, miss.route) == (
            cast.user("developer"),
            "change.vote",
            chain.change.pk,
            "api",
        )
        assert not Vote.objects.exists()
    page = web("auditor").get("/o/northwind/duties/").content.decode()
    assert "wrote the code" in page
    assert chain.change.key in page


@pytest.mark.django_db
def test_an_approver_does_not_deploy_neither_by_hand_nor_through_a_token(chain: Chain, cast: Any) -> None:
    from releasetrain.accounts.models import ServiceAccount

    chain.approved()
    chain.give("cab_member", "release_manager")
    with pytest.raises(Refused) as refused:
        chain.deploy(chain.production, "cab_member", "run-1")
    assert refused.value.code == "segregation.deployed"
    # Naming somebody else does not launder it, and naming the approver is naming the approver.
    with pytest.raises(Refused):
        chain.deploy(chain.production, "cab_member", "run-2", deployed_by_name="somebody@else.example")
    with pytest.raises(Refused):
        chain.deploy(
            chain.production, "service_account", "run-3", deployed_by_name=cast.user("cab_member").email
        )
    # A token acts for whoever answers for it.
    with chain.scope("owner"):
        ServiceAccount.objects.create(
            name="pipeline", user=cast.user("service_account"), responsible=cast.user("second_cab_member")
        )
    with pytest.raises(Refused) as behind:
        chain.deploy(chain.production, "service_account", "run-4")
    assert "approved it" in behind.value.refusals[0].sentence
    run = chain.deploy(
        chain.production, "service_account", "run-5", deployed_by_name=cast.user("release_manager").email
    )
    with chain.scope("auditor"):
        assert ChangeDeployment.objects.get(deployment=run).authorised


@pytest.mark.django_db
def test_what_has_ended_is_a_fact_and_is_kept_as_not_authorised(chain: Chain, cast: Any) -> None:
    chain.approved()
    chain.give("cab_member", "release_manager")
    run = chain.deploy(chain.production, "cab_member", "run-1", status="succeeded")
    with chain.scope("auditor"):
        link = ChangeDeployment.objects.get(deployment=run)
        assert not link.authorised
        assert "approved" in link.reason


@pytest.mark.django_db
def test_an_approval_found_void_later_stops_the_deployment(cast: Any, web: Any) -> None:
    """The code was written under an address that nobody knew to be the member's."""
    chain = Chain(cast, author_email="nickname@home.example")
    chain.approved()
    with chain.scope("compliance_officer") as officer:
        assert queries.violations() == []
        duties.create_alias(officer, email="Nickname@home.example", person=cast.user("cab_member").email)
        found = queries.violations()
    assert [(v.user, v.first, v.second, v.level) for v in found] == [
        (cast.user("cab_member"), "Approved it", "Wrote the code", "forbidden")
    ]
    with pytest.raises(Refused) as refused:
        chain.deploy(chain.production, "service_account", "run-1")
    assert refused.value.code == "segregation.approval_void"
    done = chain.deploy(chain.production, "service_account", "run-2", status="succeeded")
    with chain.scope("auditor"):
        assert not ChangeDeployment.objects.get(deployment=done).authorised
    page = web("auditor").get(f"/o/northwind/changes/{chain.change.key}/").content.decode()
    assert "does not\n      count" in page or "does not count" in " ".join(page.split())


@pytest.mark.django_db
def test_validating_takes_somebody_with_no_hand_in_it(chain: Chain, cast: Any, api: Any) -> None:
    chain.approved()
    run = chain.deploy(chain.production, "release_manager", "run-1", status="succeeded")
    address = f"/api/v1/orgs/northwind/deployments/{run.pk}/validate"
    body = {"outcome": "works", "what": "Paid an invoice."}
    for role in ("release_manager", "developer"):
        assert api(role).post(address, body).json()["code"] == "segregation.validated", role
    with chain.scope("auditor"):
        for role in ("release_manager", "developer"):
            with pytest.raises(IntegrityError), transaction.atomic():
                DeploymentValidation.objects.create(
                    deployment=run, validator=cast.user(role), outcome="works", what="x"
                )
    assert api("problem_manager").post(address, body).status_code == 201
    assert api("problem_manager").post(address, body).status_code == 409
    assert api("product_manager").post(address, {"outcome": "works", "what": " "}).status_code in (409, 422)
    with chain.scope("auditor"):
        change = ChangeRequest.objects.get(pk=chain.change.pk)
        by_person = {h.user: {a.act for a in h.acts} for h in queries.hands(queries.acts_of(change))}
    assert by_person[cast.user("problem_manager")] == {"validated"}
    assert by_person[cast.user("release_manager")] == {"authored", "deployed"}
    assert by_person[cast.user("developer")] == {"coded"}


@pytest.mark.django_db
def test_a_person_does_not_test_their_own_code_at_high_risk(chain: Chain) -> None:
    chain.give("developer", "quality_owner")
    with pytest.raises(Refused) as refused:
        chain.post(junit(3), "5.2.0", name="again", role="developer")
    assert refused.value.code == "segregation.tested"
    chain.post(junit(3), "5.2.0", name="again")  # a pipeline does


@pytest.mark.django_db
def test_the_page_says_who_may_still_approve_and_why_not(chain: Chain, web: Any) -> None:
    page = " ".join(web("auditor").get(f"/o/northwind/changes/{chain.change.key}/").content.decode().split())
    assert "Who may still approve: 4 of 5" in page
    assert "Wrote the code." in page
    cockpit = web("auditor").get(f"/o/northwind/releases/{chain.release.key}/").content.decode()
    assert "Who may still approve" in cockpit


# -- a second person ---------------------------------------------------------------------------------------------------------------


def asked(chain: Chain, role: str, act: Act = Act.DEPLOYED, by: str = "", hours: int = 2) -> DutyException:
    with chain.scope(by or role) as actor:
        return duties.request_exception(
            actor,
            change=chain.change,
            act=act,
            reason="Nobody else is awake.",
            hours=hours,
            email=chain.cast.user(role).email,
        )


@pytest.mark.django_db
def test_breaking_the_glass_takes_a_second_person_and_opens_a_review(chain: Chain, cast: Any) -> None:
    from reviews.models import Review

    chain.approved()
    chain.give("cab_member", "release_manager")
    exception = asked(chain, "cab_member")
    assert exception.kind == "break_glass"
    chain.give("cab_member", "compliance_officer")
    with pytest.raises(Refused) as own, chain.scope("cab_member") as member:
        duties.grant_exception(member, exception, decision="I trust myself.")
    assert own.value.code == "segregation.second_person"
    with pytest.raises(Refused), chain.scope("second_cab_member") as other:
        duties.grant_exception(other, exception, decision="No permission.")
    # Another approver is no second person for a deployment: the matrix keeps them from it too.
    chain.give("second_cab_member", "compliance_officer")
    with pytest.raises(Refused) as hand, chain.scope("second_cab_member") as other:
        duties.grant_exception(other, exception, decision="Go on.")
    assert "approved it" in hand.value.refusals[0].sentence
    with chain.scope("compliance_officer") as officer:
        duties.grant_exception(officer, exception, decision="Payments are down.")
        assert Review.objects.count() == 1
    run = chain.deploy(chain.production, "cab_member", "run-1")
    with chain.scope("auditor"):
        assert ChangeDeployment.objects.get(deployment=run).authorised
        used = DutyException.objects.get()
        assert (used.used_for, used.granted_by) == (run, cast.user("compliance_officer"))


@pytest.mark.django_db
def test_an_exception_ends_in_its_time_and_cannot_be_prolonged(chain: Chain, cast: Any) -> None:
    chain.approved()
    chain.give("cab_member", "release_manager")
    exception = asked(chain, "cab_member", hours=1)
    with chain.scope("compliance_officer") as officer:
        granted = duties.grant_exception(officer, exception, decision="Payments are down.")
        with pytest.raises(IntegrityError), transaction.atomic():
            granted.expires_at += timedelta(hours=9)
            granted.save()
        granted.refresh_from_db()
        duties.revoke_exception(officer, granted, reason="The release manager woke up.")
    with pytest.raises(Refused) as refused:
        chain.deploy(chain.production, "cab_member", "run-1")
    assert refused.value.code == "segregation.deployed"


@pytest.mark.django_db
def test_an_approval_is_never_excepted(chain: Chain) -> None:
    with pytest.raises(Refused) as refused:
        asked(chain, "release_manager", Act.APPROVED)
    assert (refused.value.code, refused.value.refusals[0].field) == ("duty.never", "act")
    with pytest.raises(Refused) as free:
        asked(chain, "product_manager", by="release_manager")
    assert free.value.code == "duty.free"


@pytest.mark.django_db
def test_where_the_matrix_wants_a_second_person_no_glass_is_broken(chain: Chain, cast: Any) -> None:
    from reviews.models import Review

    chain.approved()
    chain.give("developer", "release_manager")
    with pytest.raises(Refused):
        chain.deploy(chain.production, "developer", "run-1")
    exception = asked(chain, "developer")
    assert exception.kind == "second_person"
    with chain.scope("compliance_officer") as officer:
        duties.grant_exception(officer, exception, decision="Pair of eyes on it.")
        assert not Review.objects.exists()
    run = chain.deploy(chain.production, "developer", "run-2")
    with chain.scope("auditor"):
        assert ChangeDeployment.objects.get(deployment=run).authorised


@pytest.mark.django_db
def test_the_report_is_read_in_few_queries(
    chain: Chain, web: Any, django_assert_max_num_queries: Any
) -> None:
    chain.approved()
    client = web("auditor")
    client.get("/o/northwind/duties/")
    with django_assert_max_num_queries(40):
        assert client.get("/o/northwind/duties/").status_code == 200


@pytest.mark.django_db
def test_nobody_outside_sees_or_changes_the_matrix(cast: Any, other_cast: Any, within: Any) -> None:
    with within(cast, "compliance_officer") as officer:
        change_matrix(officer, Act.AUTHORED, Act.DEPLOYED, "forbidden", "forbidden", "forbidden")
    with within(other_cast, "compliance_officer"):
        assert queries.in_force() is None
        with connection.cursor() as cursor:
            cursor.execute("SELECT duty_level('authored', 'deployed', 'low')")
            assert cursor.fetchone()[0] == 0
    with pytest.raises(Refused), within(cast, "release_manager") as manager:
        change_matrix(manager, Act.CODED, Act.DEPLOYED, "forbidden", "forbidden", "forbidden")
