"""Versions that go together, contracts that are met, and whether a version can go somewhere: by rule, page, REST and gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused

ORG = "/api/v1/orgs/northwind"


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


def pact(path: str = "/refunds", consumer: str = "web", provider: str = "ledger", **more: Any) -> Upload:
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": provider},
        "interactions": [
            {"description": f"POST {path}", "request": {"path": path}, "response": {"status": 201}}
        ],
        **more,
    }
    return Upload("pact.json", json.dumps(document).encode())


def result(success: bool, version: str = "", **more: Any) -> Upload:
    said = {"success": success, **({"providerApplicationVersion": version} if version else {}), **more}
    return Upload("result.json", json.dumps(said).encode())


@pytest.fixture
def publish(world: Any) -> Callable[..., Any]:
    from governance.actions.contract_results import publish_contract

    def act(version: str = "1.0.0", file: Upload | None = None, **said: Any) -> Any:
        return publish_contract(
            world.as_["service_account"], consumer_version=version, file=file or pact(), **said
        )

    return act


@pytest.fixture
def verify(world: Any) -> Callable[..., Any]:
    from governance.actions.contract_results import post_verification

    def act(published: Any, provider_version: str, success: bool = True, file: Upload | None = None) -> Any:
        return post_verification(
            world.as_["service_account"],
            contract=published.contract,
            consumer_version=published.consumer_version,
            provider_version=provider_version,
            file=file or result(success),
        )

    return act


def can(world: Any, service: Any, version: str, environment: Any = None) -> Any:
    from trains.queries.contracts import can_deploy

    return can_deploy(environment or world.production, {service: version})


def test_a_provider_goes_where_its_consumers_were_verified(world: Any, publish: Any, verify: Any) -> None:
    first = publish("1.0.0")
    assert can(world, world.ledger, "2.0.0").deployable, "the consumer does not run there"
    world.deploy("1.0.0", service=world.web)
    answer = can(world, world.ledger, "2.0.0")
    assert not answer.deployable
    assert "never verified" in answer.summary
    verify(first, "2.0.0", success=False)
    assert can(world, world.ledger, "2.0.0").contracts[0].reason.verdict == "broken"
    verify(first, "2.0.0")
    assert can(world, world.ledger, "2.0.0").deployable, "the latest run counts"
    assert not can(world, world.ledger, "2.1.0").deployable


def test_a_consumer_goes_where_its_provider_meets_it(world: Any, publish: Any, verify: Any) -> None:
    published = publish("1.1.0")
    assert "does not run there" in can(world, world.web, "1.1.0").summary
    world.deploy("2.0.0")
    verify(published, "2.0.0")
    assert can(world, world.web, "1.1.0").deployable
    assert not can(world, world.web, "1.1.0", world.test).deployable, "another environment, another answer"
    world.deploy("2.1.0")
    assert not can(world, world.web, "1.1.0").deployable, "what runs there now counts"
    unpublished = can(world, world.web, "1.2.0")
    assert "published no contract" in unpublished.summary


def test_a_rollback_changes_the_answer(world: Any, publish: Any, verify: Any) -> None:
    from releasetrain.kernel.clock import now

    at = now() - timedelta(hours=5)
    published = publish("1.1.0")
    verify(published, "2.0.0")
    for hour, version, kind in ((0, "2.0.0", "deploy"), (1, "2.1.0", "deploy")):
        world.deploy(
            version,
            kind=kind,
            started_at=at + timedelta(hours=hour),
            finished_at=at + timedelta(hours=hour, minutes=5),
        )
    assert not can(world, world.web, "1.1.0").deployable
    world.deploy(
        "2.0.0",
        kind="rollback",
        started_at=at + timedelta(hours=2),
        finished_at=at + timedelta(hours=2, minutes=5),
    )
    assert can(world, world.web, "1.1.0").deployable


def test_versions_that_expect_the_same_share_their_verifications(
    world: Any, publish: Any, verify: Any
) -> None:
    first = publish("1.0.0")
    same = publish("1.0.1", pact(metadata={"client": "another tool"}))
    assert first.content_digest == same.content_digest
    world.deploy("2.0.0")
    verify(first, "2.0.0")
    assert can(world, world.web, "1.0.1").deployable
    other = publish("1.1.0", pact("/orders"))
    assert other.content_digest != first.content_digest
    assert not can(world, world.web, "1.1.0").deployable


def test_a_published_contract_never_changes(world: Any, publish: Any) -> None:
    first = publish("1.0.0")
    assert publish("1.0.0").pk == first.pk
    assert refused(publish, "1.0.0", pact("/orders")).code == "contract.version_changed"


def test_a_retired_contract_holds_nothing_back(world: Any, publish: Any) -> None:
    from trains.actions.contracts import retire_contract, revive_contract

    contract = publish("1.0.0").contract
    world.deploy("1.0.0", service=world.web)
    assert not can(world, world.ledger, "2.0.0").deployable
    retire_contract(world.as_["rte"], contract, reason="Replaced by events")
    assert can(world, world.ledger, "2.0.0").deployable
    revive_contract(world.as_["rte"], contract)
    assert not can(world, world.ledger, "2.0.0").deployable


def test_builds_that_travel_together_are_judged_together(world: Any, publish: Any, verify: Any) -> None:
    from trains.queries.contracts import can_deploy

    published = publish("2.0.0")
    verify(published, "3.0.0")
    assert not can(world, world.web, "2.0.0").deployable
    assert can_deploy(world.production, {world.web: "2.0.0", world.ledger: "3.0.0"}).deployable


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"success": "yes"}', "report.wrong_format"),
        (b'{"success": true, "testResults": {"tests": [{"status": "failed"}]}}', "report.inconsistent"),
        (b"[]", "report.wrong_format"),
        (b"<html></html>", "report.wrong_format"),
        (b'{"success": tru', "report.not_json"),
        (b"", "report.empty"),
    ],
)
def test_results_that_say_nothing_are_refused(
    world: Any, publish: Any, verify: Any, content: bytes, code: str
) -> None:
    published = publish("1.0.0")
    fault = refused(verify, published, "2.0.0", file=Upload("x", content))
    assert fault.refusals[0].field == "file"
    assert fault.code.startswith("report."), (fault.code, code)


def test_results_of_every_kind_are_read(world: Any, publish: Any, verify: Any) -> None:
    published = publish("1.0.0")
    junit = b'<testsuite name="s" tests="2"><testcase name="a"/><testcase name="b"><failure message="201 expected"/></testcase></testsuite>'
    found = verify(published, "2.0.0", file=Upload("junit.xml", junit))
    assert (found.success, found.total, found.failed) == (False, 2, 1)
    assert "201 expected" in found.failing[0]["message"]
    empty = verify(published, "2.0.1", file=Upload("junit.xml", b'<testsuite name="s" tests="0"/>'))
    assert not empty.success, "a run without tests proves nothing"
    verifier = {
        "result": False,
        "errors": [{"interaction": "POST /refunds", "mismatch": {"status": 500}}],
        "output": [],
    }
    found = verify(published, "2.0.2", file=Upload("r.json", json.dumps(verifier).encode()))
    assert (found.success, found.failing[0]["name"]) == (False, "POST /refunds")
    rspec = {
        "examples": [{"status": "passed"}, {"status": "passed"}],
        "summary": {"exampleCount": 2, "failureCount": 0},
    }
    assert verify(published, "2.0.3", file=Upload("r.json", json.dumps(rspec).encode())).success


def test_a_result_of_another_version_is_refused(world: Any, publish: Any, verify: Any) -> None:
    published = publish("1.0.0")
    fault = refused(verify, published, "2.0.0", file=result(True, "2.5.0"))
    assert fault.refusals[0].field == "provider_version"


def test_event_contracts_are_told_from_apis(world: Any, publish: Any) -> None:
    file = Upload(
        "pact.json",
        json.dumps(
            {
                "consumer": {"name": "web"},
                "provider": {"name": "ledger"},
                "messages": [{"description": "posted", "contents": {}}],
            }
        ).encode(),
    )
    published = publish("1.0.0", file, name="postings")
    assert (published.contract.kind, published.expectations) == ("event", 1)


# -- declared ranges


@pytest.fixture
def rule(world: Any) -> Any:
    from trains.actions.compatibility import create_compatibility_rule

    return create_compatibility_rule(world.as_["rte"], service=world.web, requires=world.ledger, range="^5.2")


def test_a_violated_range_blocks_and_says_what_to_deploy(world: Any, rule: Any) -> None:
    world.deploy("1.0.0", service=world.web)
    world.deploy("5.2.0")
    assert can(world, world.ledger, "5.9.0").deployable
    answer = can(world, world.ledger, "6.0.0")
    assert not answer.deployable
    assert "web 1.0.0 needs ledger ^5.2, but 6.0.0 runs here" in answer.summary
    assert "^5.2" in answer.reasons[0][2]


def test_nonsense_is_no_range(world: Any, rule: Any) -> None:
    from trains.actions.compatibility import (
        create_compatibility_rule,
        edit_compatibility_rule,
        retire_compatibility_rule,
    )

    rte = world.as_["rte"]
    fault = refused(create_compatibility_rule, rte, service=world.ledger, requires=world.web, range="newest")
    assert (fault.refusals[0].field, fault.status) == ("range", 422)
    assert (
        refused(create_compatibility_rule, rte, service=world.web, requires=world.web, range="*").status
        == 422
    )
    edit_compatibility_rule(rte, rule, range=">=6")
    assert not can(world, world.web, "1.0.0").deployable
    retire_compatibility_rule(rte, rule, reason="No longer so")
    assert can(world, world.web, "1.0.0").deployable


def test_skew_between_environments_is_limited(world: Any) -> None:
    from trains.actions.compatibility import create_skew_limit

    create_skew_limit(world.as_["rte"], ahead=world.staging, behind=world.production, at_most=2)
    world.deploy("5.2.0")
    assert can(world, world.ledger, "5.4.0", world.staging).deployable
    answer = can(world, world.ledger, "5.5.0", world.staging)
    assert "5.5.0 in staging and 5.2.0 in production: 3 minor ahead" in answer.summary
    assert not can(world, world.ledger, "6.0.0", world.staging).deployable


def test_the_answer_over_rest_and_on_the_page(world: Any, rule: Any, api: Any, web: Any) -> None:
    world.deploy("1.0.0", service=world.web)
    world.deploy("5.2.0")
    client = api("team_member")
    said = client.get(f"{ORG}/can-i-deploy?service=ledger&version=6.0.0&environment=production").json()
    assert (said["deployable"], said["planned"]) == (False, {"ledger": "6.0.0"})
    blocking = [r for r in said["reasons"] if r["blocks"]]
    assert blocking[0]["kind"] == "range" and blocking[0]["about"] == str(rule.pk)
    assert client.get(f"{ORG}/can-i-deploy?service=ledger&version=5.3.0&environment=production").json()[
        "deployable"
    ]
    for query, field in (
        ("service=ledger&version=1.0.0", "environment"),
        ("environment=production", "service"),
        ("environment=nowhere&service=ledger&version=1", "environment"),
        ("environment=production&service=ledger", "version"),
        ("environment=production&service=ledger&version=1&colour=red", "colour"),
    ):
        answer = client.get(f"{ORG}/can-i-deploy?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["pointer"] == f"#/{field}"
    standings = client.get(f"{ORG}/compatibility?environment=production").json()
    assert standings["versions"]["production"] == {"ledger": "5.2.0", "web": "1.0.0"}
    assert [s["verdict"] for s in standings["standings"]] == ["ok"]
    page = web("team_member").get(
        "/o/northwind/can-i-deploy/?service=ledger&version=6.0.0&environment=production"
    )
    assert "ledger 6.0.0 cannot go into production" in page.content.decode()
    assert (
        web("team_member").get("/o/northwind/can-i-deploy/?service=x&environment=nowhere").status_code == 200
    )


def test_the_matrix_costs_the_same_for_many_services(
    world: Any, rule: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    from trains.actions.services import create_service

    for n in range(6):
        service = create_service(world.as_["rte"], name=f"service-{n}", train=world.train, tier=3)
        world.deploy("1.0.0", service=service)
    client = web("rte")
    client.get("/o/northwind/compatibility/")
    with django_assert_max_num_queries(30):
        page = client.get("/o/northwind/compatibility/").content.decode()
    assert "service-5" in page


def test_the_gate_asks_for_versions_and_contracts(world: Any, rule: Any, publish: Any, verify: Any) -> None:
    world.deploy("1.0.0", service=world.web)
    world.deploy("5.2.0")
    published = publish("1.0.0")
    verify(published, "5.2.0")
    artifact = world.artifact(version="6.0.0")
    outcomes = {kind: asked(world, kind, artifact) for kind in ("version-compatibility", "contract-tests")}
    assert [o.verdict for o in outcomes.values()] == ["fail", "pending"]
    assert "^5.2" in outcomes["version-compatibility"].reason
    good = world.artifact(version="5.3.0", seed="b")
    verify(published, "5.3.0")
    assert [asked(world, kind, good).verdict for kind in outcomes] == ["pass", "pass"]
    nothing = asked(world, "version-compatibility", None)
    assert nothing.verdict == "pending"


def asked(world: Any, kind: str, artifact: Any, release: Any = None, **parameters: Any) -> Any:
    """What a check says, outside a gate."""
    from types import SimpleNamespace

    from governance.checks import registry
    from governance.checks.context import CheckContext
    from releasetrain.kernel.clock import now

    found = registry.find(kind)
    assert found is not None
    artifacts = (
        (artifact,) if artifact else tuple(r.artifact for r in release.artifacts.all()) if release else ()
    )
    context = CheckContext(
        organization_id=world.as_.organization.pk,
        gate=SimpleNamespace(),  # type: ignore[arg-type]
        environment=world.production,
        release=release,
        artifacts=artifacts,
        services=tuple(a.service for a in artifacts),
        at=now(),
        max_age=timedelta(hours=24),
    )
    return found.body(context, **found.clean(parameters))


def test_what_runs_elsewhere_makes_a_verdict_stale(world: Any, rule: Any) -> None:
    """A deployment of the other side of a rule counts as a change of this side."""
    from governance.gates import changes_of

    before = changes_of([world.ledger.pk])
    world.deploy("1.1.0", service=world.web)
    assert changes_of([world.ledger.pk]) > before
    from trains.actions.compatibility import edit_compatibility_rule

    before = changes_of([world.ledger.pk])
    edit_compatibility_rule(world.as_["rte"], rule, range="^6")
    assert changes_of([world.ledger.pk]) > before


def test_only_pipelines_publish(world: Any) -> None:
    from governance.actions.contract_results import publish_contract

    assert (
        refused(publish_contract, world.as_["auditor"], consumer_version="1.0.0", file=pact()).status == 403
    )
