"""Kinds of checks: what each lets through, what it names, and the schema that explains its parameters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from governance.actions.sign_offs import give_sign_off, withdraw_sign_off
from governance.checks import registry
from governance.checks.parameters import BadParameter
from governance.models import SignOff
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused


@pytest.fixture
def release(gateway: Any) -> Any:
    """A release of tier 2 that carries one build."""
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    artifact = gateway.artifact()
    with gateway.scope("release_manager") as manager:
        release = create_release(manager, train=gateway.train, version="5.2.0", tier=2)
        attach_artifact(manager, release, artifact=artifact)
    return release


def ask(gateway: Any, release: Any, kind: str, **parameters: Any) -> dict[str, Any]:
    """The record of one check of this kind about the release."""
    from governance.actions.gates import evaluate_gate
    from governance.evaluating import work_off
    from governance.models import Evaluation

    spec = {"kind": kind, "name": "asked", "parameters": parameters, "max_age_hours": 48}
    if gateway.gate.versions.model is not None:
        with gateway.scope("auditor"):
            present = gateway.gate.current_version.checks[0]
        if (present["kind"], present["parameters"]) != (kind, registry.find(kind).clean(parameters)):
            gateway.publish(spec)
    with gateway.scope("release_manager") as manager:
        asked = evaluate_gate(manager, gate=gateway.gate, release=release)
    work_off(gateway.cast.organization.pk, asked.pk)
    with gateway.scope("auditor"):
        return Evaluation.objects.get(pk=asked.pk).checks[0]


# -- rollback plan, booking -----------------------------------------------------------------------------------------


def test_a_release_without_a_plan_for_going_back_fails(gateway: Any, release: Any) -> None:
    from trains.actions.releases import edit_release

    assert "has no rollback plan" in ask(gateway, release, "rollback-plan")["reason"]
    with gateway.scope("release_manager") as manager:
        edit_release(manager, release, rollback_plan="Go back.")
    assert "8 characters; 20 are required" in ask(gateway, release, "rollback-plan")["reason"]
    with gateway.scope("release_manager") as manager:
        edit_release(manager, release, rollback_plan="Redeploy 5.1.0 with the schema as it is.")
    assert ask(gateway, release, "rollback-plan")["verdict"] == "pass"


def test_the_environment_is_booked_for_now_or_the_other_booking_is_named(gateway: Any, release: Any) -> None:
    from trains.actions.bookings import create_booking, create_resource
    from trains.actions.releases import create_release
    from trains.models import SharedResource

    assert ask(gateway, release, "environment-booked")["verdict"] == "pass"  # nobody can book it
    with gateway.scope("rte") as rte:
        resource = create_resource(
            rte, name="Production slot", kind=SharedResource.Kind.ENVIRONMENT, environment=gateway.production
        )
    assert ask(gateway, release, "environment-booked")["verdict"] == "pending"
    assert ask(gateway, release, "environment-booked", own=False)["verdict"] == "pass"
    with gateway.scope("release_manager") as manager:
        other = create_release(manager, train=gateway.train, version="5.3.0", tier=1)
        theirs = create_booking(
            manager, resource=resource, release=other, starts=now(), ends=now() + timedelta(hours=2)
        )
        mine = create_booking(
            manager,
            resource=resource,
            release=release,
            starts=now() + timedelta(hours=2),
            ends=now() + timedelta(hours=4),
        )
    for own in (True, False):
        record = ask(gateway, release, "environment-booked", own=own)
        assert record["verdict"] == "fail"
        assert theirs.key in record["reason"]
        assert record["evidence"][0]["id"] == str(theirs.pk)
    with time_machine.travel(now() + timedelta(hours=3), tick=False):
        record = ask(gateway, release, "environment-booked", own=True)
        assert (record["verdict"], record["valid_until"]) == (
            "pass",
            mine.ends.isoformat().replace("+00:00", "Z"),
        )
    with time_machine.travel(now() + timedelta(hours=5), tick=False):
        assert ask(gateway, release, "environment-booked", own=True)["verdict"] == "pending"


# -- sign-offs ------------------------------------------------------------------------------------------------------


def sign(gateway: Any, release: Any, role: str, verb: Any = give_sign_off, **said: Any) -> Any:
    with gateway.scope(role) as actor:
        return verb(
            actor, **{"release": release, "topic": "release", "statement": "Looked at the runbook", **said}
        )


def test_as_many_people_of_the_role_sign_off_these_builds(gateway: Any, release: Any) -> None:
    wanted = {"role": "cab_member", "people": 2}
    assert ask(gateway, release, "sign-off", **wanted)["verdict"] == "pending"
    sign(gateway, release, "cab_member")
    sign(gateway, release, "cab_member")  # twice the same person is one person
    sign(gateway, release, "auditor")  # another role does not count
    assert "0 of" not in ask(gateway, release, "sign-off", **wanted)["reason"]
    assert "1 of 2" in ask(gateway, release, "sign-off", **wanted)["reason"]
    sign(gateway, release, "second_cab_member")
    record = ask(gateway, release, "sign-off", **wanted)
    assert record["verdict"] == "pass"
    assert len(record["evidence"]) == 2


def test_a_sign_off_stands_for_the_builds_that_were_looked_at(gateway: Any, release: Any) -> None:
    from trains.actions.scope import attach_artifact

    sign(gateway, release, "change_manager")
    assert ask(gateway, release, "sign-off")["verdict"] == "pass"
    artifact = gateway.artifact("1.0.1")
    with gateway.scope("release_manager") as manager:
        attach_artifact(manager, release, artifact=artifact)
    record = ask(gateway, release, "sign-off")
    assert record["verdict"] == "pending"
    assert "other builds" in record["reason"]


def test_a_withdrawn_sign_off_fails_until_it_is_given_again(gateway: Any, release: Any) -> None:
    sign(gateway, release, "change_manager")
    sign(gateway, release, "change_manager", withdraw_sign_off, statement="The runbook is of last year")
    record = ask(gateway, release, "sign-off")
    assert record["verdict"] == "fail"
    assert "The runbook is of last year" in record["reason"]
    sign(gateway, release, "change_manager")
    assert ask(gateway, release, "sign-off")["verdict"] == "pass"
    with pytest.raises(Refused, match="have not signed off"):
        sign(gateway, release, "cab_member", withdraw_sign_off)


def test_whoever_deployed_it_or_wrote_the_change_does_not_sign_it_off(gateway: Any, release: Any) -> None:
    from governance.actions import boards, changes
    from trains.actions.deployments import record_deployment
    from trains.models import Deployment

    sign(gateway, release, "change_manager")
    with gateway.scope("change_manager") as chair:
        board = boards.create_board(chair, name="CAB", quorum=1)
        changes.create_change(chair, title="Release 5.2.0", board=board, release=release)
    # The word was given before the change was written: it does not count any more.
    assert ask(gateway, release, "sign-off")["verdict"] == "pending"
    with pytest.raises(Refused, match="had a hand"):
        sign(gateway, release, "change_manager")
    with gateway.scope("release_manager") as manager:
        record_deployment(
            manager,
            service=gateway.service,
            environment=gateway.test,
            release=release,
            status=Deployment.State.SUCCEEDED,
        )
    with pytest.raises(Refused, match="had a hand"):
        sign(gateway, release, "release_manager")
    with pytest.raises(Refused, match="person's own word"):
        sign(gateway, release, "service_account")


def test_a_sign_off_is_never_rewritten(gateway: Any, release: Any) -> None:
    from django.db import DatabaseError, transaction

    given_ = sign(gateway, release, "change_manager")
    with gateway.scope("owner"), pytest.raises(DatabaseError), transaction.atomic():
        SignOff.objects.filter(pk=given_.pk).update(choice="withdrawn")


# -- maturity -------------------------------------------------------------------------------------------------------


@pytest.fixture
def carried(gateway: Any, release: Any) -> Any:
    """A feature in the scope of the release."""
    from planning.actions.features import create_feature
    from trains.actions.scope import add_item

    with gateway.scope("rte") as rte:
        feature = create_feature(rte, train=gateway.train, title="Instant payments")
    with gateway.scope("release_manager") as manager:
        add_item(
            manager,
            release,
            title=feature.title,
            source_kind="feature",
            source_id=feature.pk,
            source_key=feature.key,
        )
    return feature


def test_features_in_scope_are_done_as_agreed(gateway: Any, release: Any, carried: Any) -> None:
    from planning.actions.definition import mark_done, publish_definition

    assert ask(gateway, release, "definition-of-done")["verdict"] == "pending"
    with gateway.scope("rte") as rte:
        definition = publish_definition(rte, train=gateway.train, lines="Reviewed\nRunbook written")
        lines = list(definition.lines.order_by("position"))
        mark_done(rte, carried, line=lines[0])
    record = ask(gateway, release, "definition-of-done")
    assert record["verdict"] == "fail"
    assert f"{carried} lacks “Runbook written”" in record["reason"]
    with gateway.scope("rte") as rte:
        mark_done(rte, carried, line=lines[1])
    assert ask(gateway, release, "definition-of-done")["verdict"] == "pass"


def test_a_feature_is_not_carried_further_than_its_state(gateway: Any, release: Any, carried: Any) -> None:
    record = ask(gateway, release, "scope-maturity", least="ready")
    assert record["verdict"] == "fail"
    assert carried.key in record["reason"]


# -- recurrence -----------------------------------------------------------------------------------------------------


def test_a_problem_that_came_back_holds_the_release_up_unless_it_fixes_it(gateway: Any, release: Any) -> None:
    from problems.actions.problems import create_problem
    from problems.models import Problem
    from trains.actions.scope import add_item

    with gateway.scope("problem_manager") as manager:
        problem = create_problem(manager, title="Fees are rounded twice", service=gateway.service, severity=2)
    assert ask(gateway, release, "problem-recurrence")["verdict"] == "pass"
    with gateway.scope("problem_manager"):
        row = Problem.objects.get(pk=problem.pk)
        row.reopened_at, row.reopened_count = now(), 1
        row.save()
    with time_machine.travel(now() + timedelta(days=1), tick=False):
        record = ask(gateway, release, "problem-recurrence", days=30)
        assert record["verdict"] == "fail"
        assert problem.key in record["reason"]
        with gateway.scope("release_manager") as manager:
            add_item(
                manager,
                release,
                title=problem.title,
                source_kind="problem",
                source_id=problem.pk,
                source_key=problem.key,
            )
        assert ask(gateway, release, "problem-recurrence", days=30)["verdict"] == "pass"
    with time_machine.travel(now() + timedelta(days=40), tick=False):
        assert ask(gateway, release, "problem-recurrence", days=31)["verdict"] == "pass"


# -- schemas --------------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-10, 2_000_000), st.floats(-5, 200), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("kind", registry.kinds())
def test_every_kind_has_a_schema_that_its_defaults_meet(kind: str) -> None:
    declared = registry.kinds()[kind]
    jsonschema.Draft202012Validator.check_schema(declared.schema)
    defaults = declared.clean({})
    jsonschema.Draft202012Validator(declared.schema).validate(defaults)
    assert declared.help
    assert declared.rule(defaults)


@given(st.data())
def test_whatever_fits_the_schema_is_taken_as_it_stands(data: st.DataObject) -> None:
    declared = data.draw(st.sampled_from([k for k in registry.kinds().values() if k.parameters]))
    name = data.draw(st.sampled_from(sorted(declared.parameters)))
    value = data.draw(_JSON)
    if not jsonschema.Draft202012Validator(declared.schema).is_valid({name: value}):
        return
    try:
        taken = declared.clean({name: value})[name]
    except BadParameter:
        # A schema that is looser than the product would promise too much.
        pytest.fail(f"{declared.kind}.{name} takes {value!r} by its schema and refuses it")
    if isinstance(value, bool) or value is None or not isinstance(value, str | list):
        assert taken == value


def test_the_kinds_are_listed_with_their_schemas(gateway: Any, api: Any) -> None:
    listed = api("auditor").get("/api/v1/orgs/northwind/gates/kinds").json()
    by_kind = {k["kind"]: k for k in listed}
    assert set(by_kind) == set(registry.kinds())
    assert by_kind["coverage"]["parameters"]["properties"]["minimum"]["maximum"] == 100


def test_a_service_that_failed_lately_is_held_up_until_it_is_long_ago(gateway: Any, release: Any) -> None:
    from trains.actions.deployments import record_deployment
    from trains.models import Deployment

    for _ in range(2):
        with gateway.scope("service_account") as pipeline:
            record_deployment(
                pipeline,
                service=gateway.service,
                environment=gateway.production,
                status=Deployment.State.FAILED,
            )
    with time_machine.travel(now() + timedelta(days=1), tick=False):
        record = ask(gateway, release, "failure-history", days=30, most=1)
        assert record["verdict"] == "fail"
        assert "ledger had 2 in 30 days" in record["reason"]
        assert len(record["evidence"]) == 2
        assert ask(gateway, release, "failure-history", days=30, most=2)["verdict"] == "pass"
    with time_machine.travel(now() + timedelta(days=31), tick=False):
        assert ask(gateway, release, "failure-history", days=30, most=1)["verdict"] == "pass"
