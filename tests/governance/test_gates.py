"""Gates over REST: asking, waiting, what stands and what no longer does, and who may ask."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from governance.evaluating import work_off
from governance.models import Evaluation, SettledAnswer
from releasetrain.accounts.models import ApiToken
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import TESTS, digest_of, junit

ROOT = "/api/v1/orgs/northwind"
ASK = f"{ROOT}/gates/evaluate"


def question(seed: str = "1.0.0", **more: str) -> dict[str, str]:
    return {"environment": "production", "digest": digest_of(seed), **more}


def work_off_all(gateway: Any) -> int:
    with gateway.scope("auditor"):
        waiting = list(Evaluation.objects.filter(state="queued").values_list("pk", flat=True))
    for pk in waiting:
        work_off(gateway.cast.organization.pk, pk)
    return len(waiting)


def settle(gateway: Any, client: Any, asked: dict[str, str] | None = None) -> Any:
    client.post(ASK, asked or question())
    work_off_all(gateway)
    return client.post(ASK, asked or question())


def test_asking_answers_202_first_and_200_once_settled(gateway: Any, api: Any) -> None:
    gateway.post(junit(3))
    pipeline = api("service_account")
    first = pipeline.post(ASK, question())
    assert first.status_code == 202
    assert first.json()["verdict"] == "pending"
    assert first["Retry-After"] == "1"
    waiting = pipeline.get(first["Location"])
    assert (waiting.status_code, waiting.json()["state"], waiting.json()["verdict"]) == (
        200,
        "queued",
        "pending",
    )
    assert work_off_all(gateway) == 1
    done = pipeline.get(first["Location"]).json()
    assert (done["state"], done["verdict"], done["current"]) == ("done", "pass", True)
    answer = pipeline.post(ASK, question())
    assert answer.status_code == 200
    body = answer.json()
    assert body["verdict"] == "pass"
    assert body["gates"][0]["version"] == 1
    assert body["inputs_digest"].startswith("sha256:")
    assert body["valid_until"] > now().isoformat()
    [check] = body["checks"]
    assert check["verdict"] == "pass"
    assert check["rule"].startswith("At least 2 tests")
    evidence = pipeline.get(check["evidence"][0]["href"])
    assert evidence.status_code == 200


def test_nothing_is_evaluated_again_while_the_inputs_stand(gateway: Any, api: Any) -> None:
    gateway.post(junit(3))
    pipeline = api("service_account")
    first = settle(gateway, pipeline)
    for _ in range(3):
        assert pipeline.post(ASK, question()).json() == first.json()
    with gateway.scope("auditor"):
        assert Evaluation.objects.count() == 1


def test_a_changed_input_asks_the_worker_again(gateway: Any, api: Any) -> None:
    gateway.post(junit(3))
    pipeline = api("service_account")
    assert settle(gateway, pipeline).json()["verdict"] == "pass"
    gateway.post(junit(2, 1))
    again = pipeline.post(ASK, question())
    assert again.status_code == 202
    old = Evaluation
    with gateway.scope("auditor"):
        old = Evaluation.objects.get(state="done")
    shown = pipeline.get(f"{ROOT}/evaluations/{old.key}").json()
    assert (shown["verdict"], shown["recorded_verdict"], shown["current"]) == ("pending", "pass", False)
    work_off_all(gateway)
    assert pipeline.post(ASK, question()).json()["verdict"] == "fail"


def test_the_answer_ends_with_the_age_of_its_evidence(gateway: Any, api: Any) -> None:
    gateway.post(junit(3))
    pipeline = api("service_account")
    settle(gateway, pipeline)
    with time_machine.travel(now() + timedelta(hours=23), tick=True):
        assert pipeline.post(ASK, question()).status_code == 200
    with time_machine.travel(now() + timedelta(hours=23, minutes=59, seconds=59), tick=True):
        ApiToken.objects.update(expires_at=now() + timedelta(days=1))
    with time_machine.travel(now() + timedelta(hours=24, seconds=1), tick=True):
        assert pipeline.post(ASK, question()).status_code == 202


def kept_answer(gateway: Any, pipeline: Any) -> Any:
    """The second asking is answered by the kept answer; the token's last use must be noted already."""
    ApiToken.objects.update(last_used_at=now())
    return pipeline.post(ASK, question())


def test_the_short_way_says_what_the_ordinary_way_says(
    gateway: Any, api: Any, django_assert_max_num_queries: Any
) -> None:
    gateway.post(junit(3))
    pipeline = api("service_account")
    ordinary = settle(gateway, pipeline)
    ApiToken.objects.update(last_used_at=now())
    # One read; the others keep this test's own transaction in its scope.
    with django_assert_max_num_queries(3):
        short = pipeline.post(ASK, question())
    assert short.json() == ordinary.json()
    assert short["RateLimit"]
    assert short["X-Request-ID"]


def test_the_short_way_refuses_what_the_ordinary_way_refuses(gateway: Any, api: Any) -> None:
    from releasetrain.accounts.models import Grant, Membership, ObjectPermission, User

    gateway.post(junit(3))
    pipeline = api("service_account")
    settle(gateway, pipeline)
    assert kept_answer(gateway, pipeline).status_code == 200
    stranger = api("executive")
    ApiToken.objects.update(last_used_at=now())
    assert stranger.post(ASK, question()).status_code == 403
    outsider = api("service_account", "contoso-health")
    ApiToken.objects.update(last_used_at=now())
    assert outsider.post(ASK, question()).status_code == 404
    assert outsider.post("/api/v1/orgs/contoso-health/gates/evaluate", question()).status_code == 404
    account = gateway.cast.user("service_account")
    Membership.objects.filter(user=account).update(suspended_at=now())
    assert kept_answer(gateway, pipeline).status_code == 404
    Membership.objects.filter(user=account).update(suspended_at=None)
    User.objects.filter(pk=account.pk).update(is_active=False)
    assert kept_answer(gateway, pipeline).status_code == 401
    User.objects.filter(pk=account.pk).update(is_active=True)
    assert kept_answer(gateway, pipeline).status_code == 200
    with gateway.scope("owner"):
        grant = Grant.objects.get(user=account)
        grant.revoked_at = now()
        grant.save()
        ObjectPermission.objects.filter(grant=grant).delete()
    assert kept_answer(gateway, pipeline).status_code == 403
    ApiToken.objects.update(revoked_at=now())
    assert kept_answer(gateway, pipeline).status_code == 401


def test_the_kept_answer_falls_with_every_input(gateway: Any, api: Any) -> None:
    from governance.actions.gates import create_gate
    from trains.actions.freezes import create_freeze

    pipeline = api("service_account")

    def change_freeze() -> None:
        with gateway.scope("rte") as rte:
            create_freeze(rte, name="F", starts=now(), ends=now() + timedelta(hours=1), reason="r")

    def second_gate() -> None:
        with gateway.scope("release_manager") as manager:
            create_gate(
                manager, name="Second", environment=gateway.production, train=gateway.train, checks=[TESTS]
            )

    changes = [
        lambda: gateway.post(junit(4)),
        lambda: gateway.publish({**TESTS, "parameters": {"minimum_tests": 1}}),
        change_freeze,
        second_gate,
    ]
    gateway.post(junit(3))
    for change in changes:
        assert settle(gateway, pipeline).status_code == 200
        assert kept_answer(gateway, pipeline).status_code == 200
        change()
        assert kept_answer(gateway, pipeline).status_code == 202, change


def test_all_gates_in_the_way_must_pass(gateway: Any, api: Any) -> None:
    from governance.actions.gates import create_gate

    gateway.post(junit(3))
    with gateway.scope("release_manager") as manager:
        create_gate(
            manager,
            name="Strict",
            environment=gateway.production,
            service=gateway.service,
            checks=[{**TESTS, "parameters": {"minimum_tests": 99}}],
        )
        advisory = create_gate(
            manager,
            name="Maybe",
            environment=gateway.production,
            advisory=True,
            checks=[{**TESTS, "parameters": {"minimum_tests": 99}}],
        )
        assert advisory.mode == "shadow"
    body = settle(gateway, api("service_account")).json()
    assert body["verdict"] == "fail"
    assert [(g["name"], g["verdict"], g["advisory"]) for g in body["gates"]] == [
        ("Ready for production", "pass", False),
        ("Strict", "fail", False),
        ("Maybe", "fail", True),
    ]
    assert {c["gate"] for c in body["checks"]} == {g["gate"] for g in body["gates"]}
    one = settle(
        gateway, api("service_account"), {"gate": gateway.gate.key, "digest": digest_of("1.0.0")}
    ).json()
    assert one["verdict"] == "pass"


def test_a_release_is_judged_by_all_its_builds(gateway: Any, api: Any) -> None:
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    gateway.post(junit(3))
    with gateway.scope("release_manager") as manager:
        release = create_release(manager, train=gateway.train, version="7.0.0")
    pipeline = api("service_account")
    asked = {"environment": "production", "release": release.key}
    empty = settle(gateway, pipeline, asked).json()
    assert (empty["verdict"], empty["release"]) == ("pending", release.key)
    with gateway.scope("release_manager") as manager:
        attach_artifact(manager, release, artifact=gateway.artifact())
    assert pipeline.post(ASK, asked).status_code == 202
    assert settle(gateway, pipeline, asked).json()["verdict"] == "pass"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({}, 422, "gate.subject"),
        ({"environment": "production"}, 422, "gate.subject"),
        ({"environment": "production", "digest": "x", "release": "REL-1"}, 422, "gate.subject"),
        ({"environment": "production", "digest": "sha256:" + "0" * 64}, 404, "artifact.unknown"),
        ({"environment": "production", "release": "REL-999"}, 404, "release.unknown"),
        ({"environment": "moon", "digest": digest_of("1.0.0")}, 404, "environment.unknown"),
        ({"environment": "test", "digest": digest_of("1.0.0")}, 409, "gate.none"),
        ({"digest": digest_of("1.0.0")}, 422, "required"),
        ({"gate": "GATE-99", "digest": digest_of("1.0.0")}, 404, "gate.unknown"),
        ({"environment": 5, "digest": digest_of("1.0.0")}, 422, "gate.question"),
        ({"environment": "production", "digest": digest_of("1.0.0"), "force": "true"}, 422, "gate.question"),
        ([], 422, "gate.question"),
    ],
)
def test_a_bad_question_is_refused_with_what_is_wrong(
    gateway: Any, api: Any, asked: Any, status: int, code: str
) -> None:
    gateway.artifact()
    response = api("service_account").post(ASK, asked)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("service_account", 202),
        ("release_manager", 202),
        ("change_manager", 202),
        ("executive", 403),
        ("auditor", 403),
        ("team_member", 403),
        ("nobody", 403),
    ],
)
def test_who_may_ask(gateway: Any, api: Any, role: str, status: int) -> None:
    gateway.artifact()
    assert api(role).post(ASK, question()).status_code == status


def test_a_browser_session_may_ask_with_its_csrf_token_only(gateway: Any, web: Any) -> None:
    from django.test import Client

    gateway.artifact()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(gateway.cast.user("release_manager"))
    response = strict.post(ASK, json.dumps(question()), content_type="application/json")
    assert response.status_code == 403
    assert (
        web("release_manager").post(ASK, json.dumps(question()), content_type="application/json").status_code
        == 202
    )


def test_waiting_returns_as_soon_as_the_verdict_is_there(gateway: Any, api: Any) -> None:
    import time

    gateway.post(junit(3))
    pipeline = api("service_account")
    location = pipeline.post(ASK, question())["Location"]
    started = time.monotonic()
    assert pipeline.get(f"{location}?wait=0.4").json()["state"] == "queued"
    assert 0.2 < time.monotonic() - started < 3
    work_off_all(gateway)
    started = time.monotonic()
    assert pipeline.get(f"{location}?wait=30").json()["verdict"] == "pass"
    assert time.monotonic() - started < 3
    for odd in ("-1", "nan", "inf", "x", ""):
        assert pipeline.get(f"{location}?wait={odd}").status_code == 200


CHECK = {"kind": "test-results", "name": "a", "max_age_hours": 1}


@pytest.mark.parametrize(
    ("checks", "where"),
    [
        ([], "checks"),
        (["test-results"], "checks/0"),
        ([{**CHECK, "kind": "telepathy"}], "checks/0/kind"),
        ([{**CHECK, "max_age_hours": 0}], "checks/0/max_age_hours"),
        ([{**CHECK, "max_age_hours": True}], "checks/0/max_age_hours"),
        ([{**CHECK, "max_age_hours": None}], "checks/0/max_age_hours"),
        ([{**CHECK, "max_age_hours": float("nan")}], "checks/0/max_age_hours"),
        ([{**CHECK, "parameters": {"minimum_tests": -1}}], "checks/0/parameters/minimum_tests"),
        ([{**CHECK, "parameters": {"minimum_tests": 1.5}}], "checks/0/parameters/minimum_tests"),
        ([{**CHECK, "parameters": {"pass_rate": 101}}], "checks/0/parameters/pass_rate"),
        ([{**CHECK, "parameters": {"surprise": 1}}], "checks/0/parameters/surprise"),
        ([{**CHECK, "waived_by": "auditor"}], "checks/0/waived_by"),
        ([{**CHECK, "name": "Ärger!"}], "checks/0/name"),
        ([{**CHECK, "extra": 1}], "checks/0"),
        ([CHECK, CHECK], "checks/1/name"),
        ([{**CHECK, "waivable": "no"}], "checks/0/waivable"),
    ],
)
def test_a_version_that_could_mislead_is_not_published(gateway: Any, checks: list[Any], where: str) -> None:
    with pytest.raises(Refused) as caught:
        gateway.publish(*checks)
    assert (caught.value.refusals[0].field, caught.value.status) == (where, 422)


def test_versions_never_change_and_say_every_default(gateway: Any) -> None:
    from django.db import connection, transaction
    from django.db.utils import ProgrammingError

    version = gateway.publish({"kind": "coverage"})
    assert version.checks == [
        {
            "kind": "coverage",
            "name": "coverage",
            "parameters": {"minimum": 80.0, "not_lower": True, "tolerance": 0.0},
            "max_age_hours": 24,
            "waivable": True,
            "waived_by": "compliance_officer",
        }
    ]
    with (
        gateway.scope("release_manager"),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE governance_gateversion SET checks = '[]'")


def test_a_retired_gate_holds_nothing_up_and_is_not_asked(gateway: Any, api: Any) -> None:
    from governance.actions.gates import retire_gate

    gateway.post(junit(0, 3))
    pipeline = api("service_account")
    assert settle(gateway, pipeline).json()["verdict"] == "fail"
    with gateway.scope("release_manager") as manager:
        retire_gate(manager, gateway.gate, reason="Replaced")
    # Without a binding gate nothing says that it may pass.
    assert pipeline.post(ASK, question()).json()["code"] == "gate.none"


def test_kept_answers_belong_to_one_organization(
    gateway: Any, api: Any, other_cast: Any, within: Any
) -> None:
    gateway.post(junit(3))
    settle(gateway, api("service_account"))
    with within(other_cast, "release_manager"):
        assert not SettledAnswer.objects.exists()


def test_housekeeping_forgets_expired_answers_only(gateway: Any, api: Any) -> None:
    from governance.tasks.gates import sum_up_changes

    gateway.post(junit(3))
    settle(gateway, api("service_account"))
    sum_up_changes()
    with gateway.scope("auditor"):
        assert SettledAnswer.objects.count() == 1
    with time_machine.travel(now() + timedelta(days=2), tick=False):
        sum_up_changes()
        with gateway.scope("auditor"):
            assert not SettledAnswer.objects.exists()
