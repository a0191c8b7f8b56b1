"""Two environments side by side: what was seen of them, where they differ, what is tolerated until when, and what a gate makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.test_delivery_checks import ask
from tests.trains.test_configuration import made
from trains.actions import feature_flags
from trains.actions.configuration_baselines import end_tolerance
from trains.actions.configuration_observations import post_observations
from trains.actions.environment_parity import (
    describe_environment,
    post_facts,
    tolerate_difference,
)
from trains.actions.observations import record_observation
from trains.models import EnvironmentFacts, ToleratedDifference
from trains.queries.parity import parity_of
from trains.rules import parity as rules

ORG = "/api/v1/orgs/northwind"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHA = "sha256:" + "a" * 64
FACTS: dict[str, Any] = {
    "versions": {"postgres": "16.4"},
    "sizes": {"ledger memory": "2Gi"},
    "flags": {"tls": True},
    "digests": {"base image": SHA},
}

# -- the rule

names = st.sampled_from(["ledger", "web", "db", "queue"])
values = {
    rules.VERSION: st.sampled_from(["1.0", "1.1", "v2"]),
    rules.SIZE: st.sampled_from([1, 2.5, "1Gi", "1024Mi", "500m"]),
    rules.FLAG: st.one_of(st.booleans(), st.sampled_from(["on 25 %"])),
    rules.DIGEST: st.sampled_from([SHA, SHA.upper().replace("SHA", "sha"), "sha256:" + "b" * 64]),
}
facts = st.one_of(*(st.tuples(st.just(kind), names, value) for kind, value in values.items()))
revisions = st.sampled_from(["", "abc", "def"])


@st.composite
def sights(draw: Any, name: str) -> rules.Sight:
    seen = rules.newest(rules.Fact(k, n, v, "s", AT) for k, n, v in draw(st.lists(facts, max_size=12)))
    iac = rules.Iac(draw(st.sampled_from(["", "git/infra"])), "", draw(revisions), draw(revisions))
    return rules.Sight(name, name, seen, iac)


busy = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@busy
@given(sights("one"), sights("two"))
def test_comparing_from_either_side_finds_the_same_differences(left: Any, right: Any) -> None:
    there, back = rules.differences(left, right), rules.differences(right, left)
    assert [(d.kind, d.fact, d.name, d.fingerprint, d.left, d.right) for d in there] == [
        (d.kind, d.fact, d.name, d.fingerprint, d.right, d.left) for d in back
    ]
    prints = [d.fingerprint for d in there]
    assert len(prints) == len(set(prints))


@busy
@given(sights("one"), st.sets(st.sampled_from(rules.KINDS)))
def test_equal_sets_have_no_difference_and_only_asked_kinds_are_listed(left: Any, kinds: set[str]) -> None:
    twin = rules.Sight("two", "two", left.facts, left.iac)
    assert rules.differences(left, twin) == []
    other = rules.Sight("two", "two", {}, rules.Iac("git/other"))
    assert {d.kind for d in rules.differences(left, other, kinds)} <= kinds


@busy
@given(sights("one"), sights("two"), st.integers(-3, 3), st.one_of(st.none(), st.integers(-3, 3)))
def test_an_expired_or_ended_tolerance_does_not_count(left: Any, right: Any, days: int, ended: Any) -> None:
    found = rules.differences(left, right)
    end = None if ended is None else AT + timedelta(days=ended)
    rows = [rules.Tolerance(d.fingerprint, AT + timedelta(days=days), end) for d in found]
    counting = rules.tolerated(found, rows, AT)
    stands = days > 0 and (ended is None or ended > 0)
    assert set(counting) == ({d.fingerprint for d in found} if stands else set())


def test_amounts_are_compared_by_what_they_say() -> None:
    assert rules.same(rules.SIZE, "1Gi", "1024Mi") and rules.same(rules.SIZE, 0.5, "500m")
    assert not rules.same(rules.SIZE, "1G", "1Gi") and not rules.same(rules.FLAG, True, "1")


@pytest.mark.parametrize(
    "bad",
    [
        [],
        {},
        {"versions": {}},
        {"secrets": {"a": "b"}},
        {"versions": ["a"]},
        {"versions": {"a": 7}},
        {"versions": {" ": "1"}},
        {"sizes": {"a": "much"}},
        {"sizes": {"a": True}},
        {"sizes": {"a": float("nan")}},
        {"flags": {"a": 1}},
        {"digests": {"a": "sha256:zz"}},
        {"versions": {"a": "x" * 201}},
        {"versions": {"a": "nul\0"}},
    ],
)
def test_what_is_no_set_of_facts_says_why(bad: Any) -> None:
    assert rules.facts_fault(bad).endswith((".", "…"))


# -- what is known of an environment


def post(world: Any, environment: Any, said: Any = None, **more: Any) -> Any:
    return post_facts(
        world.as_["service_account"], environment=environment, source="probe", facts=said or FACTS, **more
    )


def changed(**groups: Any) -> dict[str, Any]:
    return {**FACTS, **groups}


def test_the_newest_whole_set_counts_and_the_others_stay_on_record(world: Any) -> None:
    post(
        world,
        world.staging,
        changed(versions={"postgres": "15", "redis": "7"}),
        observed_at=now() - timedelta(hours=3),
    )
    post(world, world.staging)
    post(world, world.staging, changed(sizes={"x": 1}), observed_at=now() - timedelta(hours=9))  # late, older
    post(world, world.production)
    seen = parity_of(world.staging, world.production, now())
    assert seen.found == [] and seen.alike == 4 and seen.observed
    assert EnvironmentFacts.objects.filter(environment=world.staging).count() == 3
    again = post(world, world.production)
    assert EnvironmentFacts.objects.filter(environment=world.production).get() == again


def test_differences_of_every_kind_come_from_where_the_facts_are_kept(world: Any) -> None:
    account = world.as_["service_account"]
    post(world, world.staging, changed(versions={"postgres": "16.4", "redis": "7"}, flags={"tls": False}))
    post(world, world.production, changed(sizes={"ledger memory": "2048Mi"}))
    for environment, version, seed in ((world.staging, "5.3.0", "b"), (world.production, "5.2.0", "c")):
        record_observation(
            account,
            service=world.ledger,
            environment=environment,
            version=version,
            digest="sha256:" + seed * 64,
        )
        record_observation(account, service=world.web, environment=environment, version="1", instances=0)
        post_observations(
            account,
            source=f"scan {environment}",
            states=[{"id": "q", "name": "queue", "version": "3", "state": {"disk": "10Gi"}}]
            if environment == world.staging
            else [{"id": "q", "name": "queue", "version": "3", "state": {"disk": "20Gi"}}],
            environment=environment,
        )
        feature_flags.report_flag(
            account, name="dark", environment=environment, on=environment == world.staging, source="flags"
        )
        describe_environment(account, environment, repository="git/infra", revision=seed * 8)
    for environment in (world.staging, world.production):
        environment.refresh_from_db()
    seen = parity_of(world.staging, world.production, now())
    found = {(d.difference.kind, d.difference.name): d.sentence for d in seen.found}
    assert found == {
        ("missing", "redis"): "redis (version): 7 in staging, nothing in production.",
        ("version", "ledger"): "ledger: 5.3.0 in staging, 5.2.0 in production.",
        ("size", "queue disk"): "queue disk: 10Gi in staging, 20Gi in production.",
        ("flag", "dark"): "dark: on in staging, off in production.",
        ("flag", "tls"): "tls: off in staging, on in production.",
        ("digest", "ledger"): f"ledger: sha256:{'b' * 64} in staging, sha256:{'c' * 64} in production.",
        ("iac", "revision"): "revision: bbbbbbbb in staging, cccccccc in production.",
    }
    assert {d.difference.kind for d in parity_of(world.staging, world.production, now(), ["size"]).found} == {
        "size"
    }


def test_many_facts_cost_no_more_queries(world: Any, django_assert_max_num_queries: Any) -> None:
    many = changed(versions={f"package {n}": "1" for n in range(500)})
    post(world, world.staging, many)
    post(world, world.production, changed(versions={f"package {n}": "2" for n in range(500)}))
    made(world, name="Ledger database")
    with django_assert_max_num_queries(9):
        assert len(parity_of(world.staging, world.production, now()).found) == 500


# -- tolerated for a while


def test_a_tolerated_difference_needs_a_reason_and_a_day_and_can_be_taken_back(world: Any) -> None:
    post(world, world.staging, changed(sizes={"ledger memory": "1Gi"}))
    post(world, world.production)
    manager = world.as_["change_manager"]
    found = parity_of(world.staging, world.production, now()).found
    (print_,) = [f.difference.fingerprint for f in found]
    until = now() + timedelta(days=10)

    def refused(**said: Any) -> str:
        given = {"other": world.production, "fingerprint": print_, "until": until, "reason": "Half the load."}
        with pytest.raises(Refused) as caught:
            tolerate_difference(manager, world.staging, **{**given, **said})
        return caught.value.refusals[0].code

    assert refused(reason="  ") == "tolerated_difference.reason"
    assert refused(until=now() + timedelta(days=400)) == "tolerated_difference.until"
    assert refused(until=now() - timedelta(days=1)) == "tolerated_difference.until"
    assert refused(fingerprint="sha256:0") == "tolerated_difference.gone"
    assert refused(other=world.staging) == "parity.same"
    with pytest.raises(Refused):
        tolerate_difference(
            world.as_["team_member"],
            world.staging,
            other=world.production,
            fingerprint=print_,
            until=until,
            reason="x",
        )
    row = tolerate_difference(
        manager,
        world.production,
        other=world.staging,
        fingerprint=print_,
        until=until,
        reason="Half the load.",
    )
    assert parity_of(world.staging, world.production, now()).open == []  # from either side
    assert refused() == "tolerated_difference.stands"
    with time_machine.travel(until + timedelta(seconds=1)):
        assert len(parity_of(world.staging, world.production, now()).open) == 1
    end_tolerance(manager, row, reason="Load has grown.")
    assert len(parity_of(world.staging, world.production, now()).open) == 1
    assert ToleratedDifference.history.filter(id=row.pk).count() >= 2


# -- over REST, and as a page


def test_pipelines_post_and_read_over_rest(world: Any, api: Any) -> None:
    account = api("service_account")
    body = {"environment": "staging", "source": "probe", "facts": FACTS}
    answer = account.post(f"{ORG}/environment-facts/post", body)
    assert answer.status_code in (200, 201), answer.content
    other = changed(sizes={"ledger memory": "4Gi"})
    sets = {"source": "probe", "sets": [{"environment": "production", "facts": other}]}
    answer = account.post(f"{ORG}/environment-facts/post_all", sets)
    assert answer.json()["result"]["recorded"] == 1, answer.content
    assert account.post(f"{ORG}/environment-facts/post_all", sets).json()["result"]["unchanged"] == 1
    said = account.get(f"{ORG}/environment-parity?left=staging&right=production").json()
    assert said["open"] == 1 and not said["in_parity"] and said["alike"] == 3
    assert said["differences"][0]["sentence"] == "ledger memory: 2Gi in staging, 4Gi in production."
    assert account.get(f"{ORG}/environment-parity?left=test&right=production").json()["in_parity"] is False
    for query in ("", "?left=staging", "?left=staging&right=staging", "?left=staging&right=x&kinds=size"):
        assert account.get(f"{ORG}/environment-parity{query}").status_code == 422, query
    for bad in (
        {**body, "facts": {"versions": {"a": 1}}},
        {**body, "facts": 7},
        {**body, "source": ""},
        {**body, "environment": "nowhere"},
        {**body, "observed_at": "2999-01-01T00:00:00Z"},
    ):
        assert account.post(f"{ORG}/environment-facts/post", bad).status_code == 422, bad
    for rows in ([], [7], [{"environment": "x", "facts": FACTS}], [sets["sets"][0]] * 2):
        answer = account.post(f"{ORG}/environment-facts/post_all", {"source": "probe", "sets": rows})
        assert answer.status_code == 422, rows
    assert api("executive").post(f"{ORG}/environment-facts/post", body).status_code == 403


def test_the_page_shows_both_sides_and_offers_to_tolerate(world: Any, web: Any) -> None:
    empty = web("change_manager").get("/o/northwind/environments/parity/").content.decode()
    assert "Not looked at" in empty
    post(world, world.staging, changed(sizes={"ledger memory": "1Gi"}))
    post(world, world.production)
    shown = web("change_manager").get("/o/northwind/environments/parity/").content.decode()
    assert "ledger memory" in shown and "1Gi" in shown and "2Gi" in shown and "Tolerate" in shown
    assert "They differ" in shown and "3 facts say the same" in shown
    alike = (
        web("rte")
        .get("/o/northwind/environments/parity/?left=production&right=staging&kind=alike")
        .content.decode()
    )
    assert "postgres" in alike and "16.4" in alike
    assert web("rte").get("/o/northwind/environments/parity/?left=nowhere&kind=x").status_code == 200


# -- a gate


def both(world: Any, **groups: Any) -> None:
    for environment, said in ((world.staging, changed(**groups)), (world.production, FACTS)):
        post(world, environment, said)
        describe_environment(
            world.as_["service_account"], environment, repository="git/infra", revision="4f2"
        )


def test_a_gate_passes_only_what_was_seen_lately_and_does_not_differ(world: Any) -> None:
    release = world.ready()
    assert ask(world, "environment-parity", release).verdict == "pending"  # nobody has looked
    post(world, world.staging)
    post(world, world.production)
    said = ask(world, "environment-parity", release)
    assert said.verdict == "pending" and "infrastructure code" in said.reason
    both(world)
    said = ask(world, "environment-parity", release)
    assert said.verdict == "pass" and said.valid_until <= now() + timedelta(minutes=10)
    with time_machine.travel(now() + timedelta(hours=25)):
        stale = ask(world, "environment-parity", release)
        assert stale.verdict == "pending" and "probe saw" in stale.reason
        both(world, sizes={"ledger memory": "1Gi"})
        assert ask(world, "environment-parity", release).verdict == "fail"
        assert ask(world, "environment-parity", release, kinds=["version", "flag"]).verdict == "pass"
        assert ask(world, "environment-parity", release, left="staging", right="test").verdict == "pending"
        assert ask(world, "environment-parity", release, right="gone").verdict == "pending"
        found = parity_of(world.staging, world.production, now()).found[0]
        until = now() + timedelta(minutes=5)
        tolerate_difference(
            world.as_["change_manager"],
            world.staging,
            other=world.production,
            fingerprint=found.difference.fingerprint,
            until=until,
            reason="Half the load.",
        )
        passed = ask(world, "environment-parity", release)
        assert passed.verdict == "pass" and passed.valid_until == until and "tolerated" in passed.reason
        with time_machine.travel(until + timedelta(seconds=1)):
            assert ask(world, "environment-parity", release).verdict == "fail"


def test_what_the_release_brings_is_no_difference(world: Any) -> None:
    release = world.ready()
    both(world)
    account = world.as_["service_account"]
    for environment, version in ((world.staging, "5.2.0"), (world.production, "5.1.0")):
        record_observation(account, service=world.ledger, environment=environment, version=version)
    said = ask(world, "environment-parity", release)
    assert said.verdict == "pass" and "come with the release" in said.reason
    record_observation(account, service=world.web, environment=world.staging, version="2")
    record_observation(account, service=world.web, environment=world.production, version="1")
    assert ask(world, "environment-parity", release).verdict == "fail"


def test_facts_of_the_other_environment_end_a_verdict(world: Any) -> None:
    from governance.gates import changes_of

    subjects = [world.staging.organization_id]
    both(world)
    before = changes_of(subjects)
    post(world, world.staging, observed_at=now() + timedelta(seconds=1))
    assert changes_of(subjects) == before  # the same again
    post(world, world.staging, changed(flags={"tls": False}), observed_at=now() + timedelta(seconds=2))
    assert changes_of(subjects) > before
