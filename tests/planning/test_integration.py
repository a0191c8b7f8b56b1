"""Integration: milestones met by what runs and what was tested, points that features build on, needs of other trains."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.actions import integration as acts
from planning.models import FeatureIntegration, IntegrationPoint
from planning.queries.integration import integration_milestones
from planning.rules.integration import Reached, Suite, reached, together
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.models import Environment, Milestone

VERSIONS = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
JUNIT = b'<testsuite name="wallet" tests="%d" failures="%d">%s</testsuite>'


def text(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


@given(VERSIONS, VERSIONS, st.lists(st.builds(Suite, st.integers(0, 9), st.integers(0, 9)), max_size=4))
def test_only_enough_of_a_version_with_passing_tests_is_met(
    minimum: Any, running: Any, suites: list[Suite]
) -> None:
    state, why = reached(text(minimum), text(running), "semver", suites)
    assert why.endswith(".")
    proven = sum(s.tests for s in suites) > 0 and not sum(s.broken for s in suites)
    assert (state is Reached.MET) == (running >= minimum and proven)
    untested, _ = reached(text(minimum), text(running), "semver", None)
    assert (untested is Reached.MET) == (running >= minimum)


@given(st.lists(st.sampled_from(list(Reached)), min_size=1))
def test_a_milestone_is_met_only_when_all_is(states: list[Reached]) -> None:
    assert (together(states) is Reached.MET) == (set(states) == {Reached.MET})
    assert together([]) is None


def test_an_unreadable_version_is_never_met() -> None:
    assert reached("1.0.0", "main-4711", "semver", None)[0] is Reached.WAITING
    assert reached("1.0.0", None, "semver", None)[0] is Reached.WAITING


@pytest.fixture
def bound(world: Any) -> Any:
    from trains.actions.environments import create_environment
    from trains.actions.milestones import create_milestone
    from trains.actions.services import create_service

    rte = world.cast["rte"]
    world.service = create_service(rte, name="wallet-bff", train=world.train, team=world.acquiring)
    world.staging = create_environment(rte, name="staging", kind=Environment.Kind.STAGING)
    world.milestone = create_milestone(
        rte,
        train=world.train,
        name="End to end",
        on=date(2026, 12, 1),
        kind=Milestone.Kind.INTEGRATION,
    )
    return world


def require(world: Any, version: str = "2.1.0", **said: Any) -> Any:
    given_ = {"milestone": world.milestone, "service": world.service, "environment": world.staging, **said}
    return acts.create_requirement(world.cast["rte"], minimum_version=version, **given_)


def deploy(world: Any, version: str, seed: str) -> None:
    from trains.actions.deployments import record_deployment

    record_deployment(
        world.cast["service_account"],
        service=world.service,
        environment=world.staging,
        status="succeeded",
        version=version,
        digest="sha256:" + seed * 64,
    )


def post(world: Any, seed: str, failures: int, source: str = "contract:merchants") -> None:
    from governance.actions.results import post_result

    cases = b"".join(
        b'<testcase classname="c" name="t%d">%s</testcase>'
        % (n, b'<failure message="no"/>' if n < failures else b"")
        for n in range(3)
    )
    file = Upload(f"{source}.xml", JUNIT % (3, failures, cases))
    post_result(world.cast["service_account"], digest="sha256:" + seed * 64, file=file, source=source)


def only(world: Any) -> Any:
    (milestone,) = integration_milestones(world.train)
    (requirement,) = milestone.requirements
    assert milestone.state == requirement.state
    return requirement


@pytest.mark.django_db
def test_a_milestone_is_met_by_deployment_and_contract_tests_and_falls_with_them(bound: Any) -> None:
    require(bound)
    assert only(bound).state is Reached.WAITING
    deploy(bound, "2.0.9", "a")
    assert "2.0.9 runs there, 2.1.0 is needed" in only(bound).why
    deploy(bound, "2.1.0", "b")
    assert only(bound).state is Reached.UNPROVEN
    post(bound, "b", 0, source="unit tests")
    assert only(bound).state is Reached.UNPROVEN
    post(bound, "b", 1)
    assert only(bound).state is Reached.FAILING
    post(bound, "b", 0)
    met = only(bound)
    assert met.state is Reached.MET
    assert met.deployment is not None
    assert met.results
    deploy(bound, "2.0.9", "a")
    assert only(bound).state is Reached.WAITING


@pytest.mark.django_db
def test_verified_contracts_of_consumers_prove_it_as_well(bound: Any) -> None:
    from trains.actions.services import create_service
    from trains.models import Contract, ContractVerification

    consumer = create_service(bound.cast["rte"], name="merchant-portal", train=bound.train)
    contract = Contract.objects.create(consumer=consumer, provider=bound.service)

    def verify(success: bool, seconds: int) -> None:
        ContractVerification.objects.create(
            contract=contract, content_digest="sha256:" + "c" * 64, provider_version="2.1.0", success=success,
            format="pact", total=4, failed=0 if success else 1, reported_at=now() + timedelta(seconds=seconds),
        )  # fmt: skip

    require(bound)
    deploy(bound, "2.1.0", "b")
    verify(False, 0)
    assert "1 of its 4 contract tests" in only(bound).why
    verify(True, 1)
    assert only(bound).state is Reached.MET


@pytest.mark.django_db
def test_a_requirement_names_a_version_of_the_scheme_and_an_integration_point(bound: Any) -> None:
    from trains.actions.milestones import create_milestone

    with pytest.raises(Refused) as refused:
        require(bound, "two")
    assert refused.value.refusals[0].field == "minimum_version"
    event = create_milestone(bound.cast["rte"], train=bound.train, name="Audit", on=date(2026, 12, 2))
    with pytest.raises(Refused) as refused:
        require(bound, milestone=event)
    assert refused.value.refusals[0].field == "milestone"
    made = require(bound)
    with pytest.raises(Refused):
        require(bound, "3.0.0")
    acts.withdraw_requirement(bound.cast["rte"], made, reason="Not needed.")
    assert require(bound, "3.0.0").minimum_version == "3.0.0"
    with pytest.raises(Refused):
        acts.withdraw_requirement(bound.cast["rte"], made, reason="Again.")


@pytest.mark.django_db
def test_page_and_endpoint_say_the_same_in_few_queries(
    bound: Any, api: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    require(bound)
    deploy(bound, "2.1.0", "b")
    post(bound, "b", 0)
    client = web("rte")
    client.get("/o/northwind/integration/")
    with django_assert_max_num_queries(30):
        page = client.get("/o/northwind/integration/").content.decode()
    assert "its 3 contract tests pass" in page
    found = api("rte").get("/api/v1/orgs/northwind/integration-milestones", {"train": "PAY"}).json()
    assert found["results"][0]["state"] == "met"
    assert found["results"][0]["requirements"][0]["running"] == "2.1.0"


@pytest.mark.django_db
def test_a_feature_names_what_it_builds_on_and_its_point_stays_while_used(bound: Any) -> None:
    rte = bound.cast["rte"]
    kind = IntegrationPoint.Kind
    with pytest.raises(Refused) as refused:
        acts.create_point(rte, name="Card scheme", kind=kind.THIRD_PARTY)
    assert refused.value.refusals[0].field == "contact"
    with pytest.raises(Refused) as refused:
        acts.create_point(rte, name="Wallet", kind=kind.SHARED_SERVICE)
    assert refused.value.refusals[0].field == "service"
    scheme = acts.create_point(rte, name="Card scheme", kind=kind.THIRD_PARTY, contact="scheme@example.org")
    wallet = acts.create_point(rte, name="Wallet", kind=kind.SHARED_SERVICE, service=bound.service)
    assert wallet.owner == bound.acquiring
    feature = bound.feature("Refunds")
    link = acts.create_integration(rte, feature=feature, point=scheme, what="refund messages")
    with pytest.raises(Refused):
        acts.create_integration(rte, feature=feature, point=scheme, what="again")
    with pytest.raises(Refused) as refused:
        acts.retire_point(rte, scheme, reason="New scheme.")
    assert feature.key in refused.value.refusals[0].sentence
    assert (
        acts.ready_integration(rte, acts.agree_integration(rte, link)).state == FeatureIntegration.State.READY
    )
    acts.drop_integration(rte, link, reason="Done by hand.")
    scheme = acts.retire_point(rte, scheme, reason="New scheme.")
    with pytest.raises(Refused):
        acts.create_integration(rte, feature=feature, point=scheme, what="refunds")


@pytest.fixture
def asked(bound: Any) -> Any:
    """Another train, and something that ours asked of it."""
    from trains.actions.train_dependencies import create_train_dependency
    from trains.actions.trains import create_train

    rte = bound.cast["rte"]
    bound.other = create_train(rte, key="LND", name="Lending", cadence_start=date(2026, 10, 5))
    bound.dependency = create_train_dependency(
        rte, provider=bound.other, consumer=bound.train, what="credit scores", needed_by=date(2026, 11, 30)
    )
    return bound


def judge(world: Any, release: Any) -> Any:
    from governance.checks.context import CheckContext
    from planning.train_checks import train_dependencies

    return train_dependencies(
        CheckContext(
            organization_id=world.cast.organization.pk, gate=SimpleNamespace(), environment=SimpleNamespace(),
            release=release, artifacts=(), services=(), at=now(), max_age=timedelta(days=1),
        )
    )  # fmt: skip


@pytest.mark.django_db
def test_a_release_whose_scope_needs_another_train_waits_for_its_agreement(asked: Any) -> None:
    from planning.actions.releases import add_to_release
    from trains.actions import train_dependencies as deps
    from trains.actions.releases import create_release

    rte, manager = asked.cast["rte"], asked.cast["release_manager"]
    feature = asked.feature("Scored limits")
    need = acts.create_train_need(rte, feature=feature, dependency=asked.dependency)
    release = create_release(manager, train=asked.train, version="26.11.0")
    assert judge(asked, release).verdict == "pass"
    add_to_release(manager, feature, release=release)
    outcome = judge(asked, release)
    assert outcome.verdict == "fail"
    assert f"{feature.key} needs “credit scores” of Lending, which is not agreed yet" in outcome.reason
    agreed = deps.agree_train_dependency(rte, asked.dependency)
    assert agreed.provider_owner_id == agreed.consumer_owner_id == rte.user_id
    assert judge(asked, release).verdict == "pass"
    deps.put_train_dependency_at_risk(rte, agreed, reason="The provider is short of people.")
    risky = judge(asked, release)
    assert risky.verdict == "pass"
    assert "1 at risk" in risky.reason
    deps.break_train_dependency(rte, agreed, reason="It will not come.")
    assert "which is broken" in judge(asked, release).reason
    acts.drop_train_need(rte, need, reason="We score ourselves.")
    assert judge(asked, release).verdict == "pass"


@pytest.mark.django_db
def test_a_dependency_of_the_release_itself_counts_and_is_registered(asked: Any) -> None:
    from governance.checks.registry import find
    from trains.actions.releases import create_release
    from trains.actions.train_dependencies import create_train_dependency

    release = create_release(asked.cast["release_manager"], train=asked.train, version="26.11.0")
    create_train_dependency(
        asked.cast["rte"], provider=asked.other, consumer=asked.train, what="ledger close",
        needed_by=date(2026, 11, 30), release=release,
    )  # fmt: skip
    assert judge(asked, release).verdict == "fail"
    kind = find("train-dependencies")
    assert kind is not None
    assert kind.subject == "release"


@pytest.mark.django_db
def test_somebody_answers_on_both_sides_of_an_agreed_dependency(asked: Any) -> None:
    from releasetrain.kernel.actor import Actor
    from trains.actions import train_dependencies as deps

    system = Actor.system(asked.cast.organization.pk, "import")
    bare = deps.create_train_dependency(
        system, provider=asked.other, consumer=asked.train, what="feeds", needed_by=date(2026, 11, 30)
    )
    assert bare.consumer_owner_id is None
    with pytest.raises(Refused) as refused:
        deps.agree_train_dependency(asked.cast["rte"], bare)
    assert "consumer" in refused.value.refusals[0].remedy
    with pytest.raises(Refused):
        deps.assign_train_dependency(asked.cast["rte"], bare)
    owner = asked.cast.user("product_manager")
    deps.assign_train_dependency(asked.cast["rte"], bare, consumer_owner=owner)
    assert deps.agree_train_dependency(asked.cast["rte"], bare, owner=owner).state == "agreed"


@pytest.mark.django_db
def test_a_need_is_tied_to_a_dependency_of_the_features_own_train(asked: Any) -> None:
    from trains.actions.train_dependencies import create_train_dependency

    rte = asked.cast["rte"]
    back = create_train_dependency(
        rte, provider=asked.train, consumer=asked.other, what="postings", needed_by=date(2026, 11, 30)
    )
    with pytest.raises(Refused) as refused:
        acts.create_train_need(rte, feature=asked.feature("Limits"), dependency=back)
    assert refused.value.refusals[0].field == "dependency"
