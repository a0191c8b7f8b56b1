"""Waivers: asked by one, granted by another, for this very content, until they expire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from governance.actions.waivers import grant_waiver, refuse_waiver, request_waiver, revoke_waiver
from governance.models import Waiver
from releasetrain.accounts.actions import grant as give
from releasetrain.accounts.actions import scope_for
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import TESTS, junit


def ask(gateway: Any, role: str = "release_manager", **more: Any) -> Any:
    said = {
        "reason": "Test data is stale",
        "risk": "A regression in reports",
        "mitigation": "Manual run",
        "check": "unit-tests",
    }
    said |= {"expires_at": now() + timedelta(days=3), "gate": gateway.gate, **more}
    if "release" not in said:
        said["artifact"] = gateway.artifact()
    with gateway.scope(role) as actor:
        return request_waiver(actor, **said)


def decide(gateway: Any, verb: Any, waiver: Any, role: str = "compliance_officer", **said: Any) -> Any:
    with gateway.scope(role) as actor:
        return verb(actor, waiver, **(said or {"decision": "Acceptable"}))


def refusal(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


@pytest.fixture
def failing(gateway: Any) -> Any:
    gateway.post(junit(2, 1))
    assert gateway.evaluate().verdict == "fail"
    return gateway


def test_a_granted_waiver_lets_the_check_through_until_it_expires(failing: Any) -> None:
    waiver = ask(failing)
    assert failing.evaluate().verdict == "fail"  # asking alone lets nothing through
    decide(failing, grant_waiver, waiver)
    done = failing.evaluate()
    assert (done.verdict, done.valid_until) == ("pass", waiver.expires_at)
    check = failing.check(done, "unit-tests")
    assert check["verdict"] == "waived"
    assert check["waiver"]["key"] == waiver.key
    assert "1 failed" in check["reason"]
    with time_machine.travel(waiver.expires_at, tick=False):
        assert failing.evaluate().verdict == "fail"


def test_granting_and_revoking_end_the_verdict_that_stood(failing: Any) -> None:
    from governance.queries import verdicts

    before = failing.evaluate()
    waiver = ask(failing)
    decide(failing, grant_waiver, waiver)
    with failing.scope("auditor"):
        assert not verdicts.stands(before)
    passing = failing.evaluate()
    decide(failing, revoke_waiver, waiver, reason="The risk came true")
    with failing.scope("auditor"):
        assert not verdicts.stands(passing)
    assert failing.evaluate().verdict == "fail"


def test_nobody_grants_what_they_asked_for(failing: Any) -> None:
    with failing.scope("owner"):
        give(
            failing.cast.user("compliance_officer"),
            Role.RELEASE_MANAGER,
            scope_for(failing.cast.organization),
        )
    failing.cast.pop("compliance_officer", None)
    waiver = ask(failing, role="compliance_officer")
    fault = refusal(decide, failing, grant_waiver, waiver)
    assert (fault.code, fault.status) == ("waiver.own", 403)


def test_nobody_grants_it_on_behalf_of_whoever_asked(failing: Any) -> None:
    from dataclasses import replace

    waiver = ask(failing)
    with failing.scope("compliance_officer") as officer:
        deputy = replace(officer, on_behalf_of=failing.cast.user("release_manager").pk)
        assert refusal(grant_waiver, deputy, waiver, decision="d").code == "waiver.own"


def test_the_database_refuses_it_too(failing: Any) -> None:
    waiver = ask(failing)
    with (
        failing.scope("compliance_officer"),
        pytest.raises(IntegrityError, match="waiver_not_by_requester"),
        transaction.atomic(),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE governance_waiver SET state = 'granted', granted_by_id = requested_by_id, decided_at = now()"
                " WHERE id = %s",
                [waiver.pk],
            )


@pytest.mark.parametrize("role", ["release_manager", "service_account", "auditor", "rte"])
def test_who_may_not_grant(failing: Any, role: str) -> None:
    waiver = ask(failing, role="service_account")
    assert refusal(decide, failing, grant_waiver, waiver, role=role).status == 403


def test_a_machine_grants_nothing_even_as_the_system(failing: Any) -> None:
    from releasetrain.kernel.actor import Actor

    waiver = ask(failing)
    with failing.scope("compliance_officer"):
        system = Actor.system(failing.cast.organization.pk, "automation")
        assert refusal(grant_waiver, system, waiver, decision="d").code == "waiver.person"


def test_a_refused_waiver_stays_refused(failing: Any) -> None:
    waiver = ask(failing)
    decide(failing, refuse_waiver, waiver)
    assert refusal(decide, failing, grant_waiver, waiver).code == "state.illegal"
    assert failing.evaluate().verdict == "fail"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"check": "no-such-check"}, "waiver.check"),
        ({"expires_at": now() - timedelta(minutes=1)}, "waiver.expired"),
        ({"expires_at": now() + timedelta(days=91)}, "waiver.too_long"),
        ({"artifact": None, "release": None}, "waiver.subject"),
    ],
)
def test_what_is_not_asked_for_properly(gateway: Any, said: dict[str, Any], code: str) -> None:
    assert refusal(ask, gateway, **said).code == code


def test_a_check_may_be_closed_to_waivers(failing: Any) -> None:
    failing.publish({**TESTS, "waivable": False})
    assert refusal(ask, failing).code == "waiver.not_waivable"


def test_closing_a_check_to_waivers_ends_those_that_stand(failing: Any) -> None:
    decide(failing, grant_waiver, ask(failing))
    assert failing.evaluate().verdict == "pass"
    failing.publish({**TESTS, "waivable": False})
    assert failing.evaluate().verdict == "fail"


def test_a_waiver_falls_with_another_build_of_the_release(failing: Any) -> None:
    from governance.actions.gates import evaluate_gate
    from governance.evaluating import work_off
    from governance.models import Evaluation
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    with failing.scope("release_manager") as manager:
        release = create_release(manager, train=failing.train, version="9.0.0")
        attach_artifact(manager, release, artifact=failing.artifact())
    waiver = ask(failing, release=release)
    decide(failing, grant_waiver, waiver)

    def verdict() -> str:
        with failing.scope("service_account") as actor:
            evaluation = evaluate_gate(actor, gate=failing.gate, release=release)
        work_off(failing.cast.organization.pk, evaluation.pk)
        with failing.scope("auditor"):
            return str(Evaluation.objects.get(pk=evaluation.pk).verdict)

    assert verdict() == "pass"
    failing.post(junit(0, 50), "9.0.1")
    with failing.scope("release_manager") as manager:
        attach_artifact(manager, release, artifact=failing.artifact("9.0.1"))
    assert verdict() == "fail"


def test_an_error_is_never_waived(failing: Any) -> None:
    from governance.checks import registry

    @registry.check("breaks", title="Breaks")
    def body(ctx: Any) -> Any:
        raise RuntimeError("boom")

    try:
        failing.publish({"kind": "breaks", "name": "unit-tests", "max_age_hours": 1})
        decide(failing, grant_waiver, ask(failing))
        assert failing.evaluate().verdict == "error"
    finally:
        registry._kinds.pop("breaks")


def test_all_waivers_are_listed(failing: Any, api: Any) -> None:
    waiver = ask(failing)
    decide(failing, grant_waiver, waiver)
    with failing.scope("auditor"):
        assert Waiver.history.filter(id=waiver.pk).count() == 2
    shown = api("auditor").get("/api/v1/orgs/northwind/waivers?state=granted").json()["items"]
    assert [w["key"] for w in shown] == [waiver.key]


def test_only_the_role_that_the_gate_names_decides(failing: Any) -> None:
    failing.publish({**TESTS, "waived_by": "quality_owner"})
    waiver = ask(failing)
    fault = refusal(decide, failing, grant_waiver, waiver)
    assert (fault.code, fault.status) == ("waiver.role", 403)
    assert "only a Quality owner" in str(fault)
    decide(failing, grant_waiver, waiver, role="quality_owner")
    assert failing.evaluate().verdict == "pass"
    assert refusal(decide, failing, revoke_waiver, waiver, reason="r").code == "waiver.role"


def test_a_role_that_was_taken_away_decides_nothing(failing: Any) -> None:
    from releasetrain.accounts.models import Grant

    waiver = ask(failing)
    with failing.scope("owner"):
        for given in Grant.objects.filter(user=failing.cast.user("compliance_officer")):
            given.revoked_at = now()
            given.save()
    with failing.scope("compliance_officer") as officer:
        assert refusal(grant_waiver, officer, waiver, decision="d").code in (
            "waiver.role",
            "permission.missing",
        )


def test_a_verdict_that_passed_by_a_waiver_ends_with_it_without_any_write(failing: Any) -> None:
    from governance.queries import verdicts

    waiver = ask(failing)
    decide(failing, grant_waiver, waiver)
    done = failing.evaluate()
    with failing.scope("auditor"):
        assert verdicts.standing_verdict(done) == "pass"
    with time_machine.travel(waiver.expires_at, tick=False), failing.scope("auditor"):
        assert verdicts.standing_verdict(done) == "pending"


def test_the_report_says_what_each_waiver_let_through(failing: Any, api: Any, web: Any) -> None:
    from trains.actions.deployments import record_deployment

    waiver, unused = ask(failing), ask(failing)
    decide(failing, grant_waiver, waiver)
    failing.evaluate()
    failing.evaluate()
    with failing.scope("service_account") as pipeline:
        record_deployment(
            pipeline,
            service=failing.service,
            environment=failing.production,
            digest=failing.artifact().digest,
            version="1.0.0",
            status="succeeded",
        )
    said = api("auditor").get("/api/v1/orgs/northwind/waivers/use").json()
    assert said["counts"] == {"in force": 1, "requested": 1}
    by_key = {w["waiver"]: w for w in said["waivers"]}
    assert (by_key[waiver.key]["evaluations"], by_key[waiver.key]["deployments"]) == (2, 1)
    assert (by_key[unused.key]["evaluations"], by_key[unused.key]["deployments"]) == (0, 0)
    page = web("auditor").get("/o/northwind/waivers/in-use/").content.decode()
    assert "1 of 2 waivers turned a verdict" in page
    assert "2 evaluations" in page
    with time_machine.travel(waiver.expires_at, tick=False):
        assert "expired" in web("auditor").get("/o/northwind/waivers/in-use/?state=expired").content.decode()
