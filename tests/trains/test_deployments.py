"""Deployments as pipelines report them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releasetrain.kernel.canonical import digest
from releasetrain.kernel.refusals import Refused
from trains.actions.deployments import (
    DeploymentRow,
    add_commits,
    finish_deployment,
    record_many,
    roll_back_deployment,
)
from trains.actions.freezes import cancel_freeze, create_freeze
from trains.actions.rows_digest import rows_digest
from trains.models import Commit, Deployment, Release
from trains.queries import current_versions, deployments_between


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


def test_a_pipeline_reports_start_and_end_as_one_deployment(world: Any, moment: Any) -> None:
    started = world.deploy(status="running", started_at=moment(-1), source="ci", external_id="7")
    ended = world.deploy(status="succeeded", finished_at=moment(0), source="ci", external_id="7")
    assert ended.pk == started.pk
    assert (ended.state, ended.started_at, ended.finished_at) == ("succeeded", moment(-1), moment(0))
    assert Deployment.objects.count() == 1


def test_the_start_that_arrives_after_the_end_does_not_reopen_it(world: Any, moment: Any) -> None:
    world.deploy(status="failed", finished_at=moment(0), source="ci", external_id="7")
    late = world.deploy(status="running", started_at=moment(-1), source="ci", external_id="7")
    assert (late.state, late.started_at) == ("failed", moment(-1))


def test_the_same_id_with_another_version_is_refused(world: Any) -> None:
    first = world.deploy("1.0.0", source="ci", external_id="7")
    fault = refused(world.deploy, "1.0.1", source="ci", external_id="7")
    assert (fault.code, fault.status) == ("deployment.disagrees", 409)
    assert fault.refusals[0].blocked_by.id == str(first.pk)


def test_a_version_never_changes_its_digest(world: Any) -> None:
    world.deploy("1.0.0", digest="sha256:" + "a" * 64)
    fault = refused(world.deploy, "1.0.0", digest="sha256:" + "b" * 64)
    assert fault.code == "artifact.digest_changed"
    assert refused(world.deploy, "1.0.1", digest="sha256:" + "a" * 64).code == "artifact.version_changed"
    assert refused(world.deploy, digest="latest").status == 422


def test_nothing_starts_inside_a_freeze_until_it_is_lifted(world: Any, moment: Any) -> None:
    freeze = create_freeze(
        world.as_["release_manager"],
        name="Year end",
        starts=moment(-1),
        ends=moment(5),
        reason="Books close",
        environment=world.production,
    )
    fault = refused(world.deploy, status="running")
    assert (fault.code, fault.status, fault.refusals[0].blocked_by.label) == (
        "deployment.frozen",
        423,
        "Year end",
    )
    assert world.deploy(status="running", environment=world.staging).state == "running"
    assert refused(world.deploy, status="running", emergency=True).code == "deployment.emergency"
    cancel_freeze(world.as_["release_manager"], freeze, reason="Books closed early")
    assert world.deploy(status="running").state == "running"


def test_the_first_moment_after_a_freeze_is_free(world: Any, moment: Any) -> None:
    create_freeze(world.as_["rte"], name="Night", starts=moment(-2), ends=moment(-1), reason="Batch runs")
    assert refused(world.deploy, status="running", started_at=moment(-1.5)).code == "deployment.frozen"
    assert world.deploy(status="running", started_at=moment(-1)).state == "running"


def test_an_unapproved_release_does_not_start_in_production(world: Any) -> None:
    release = world.frozen()
    assert refused(world.deploy, status="running", release=release).code == "deployment.unapproved"
    assert world.deploy(status="running", environment=world.staging, release=release).release == release


def test_the_first_production_deployment_sets_an_approved_release_deploying(world: Any) -> None:
    release = world.approved()
    world.deploy(environment=world.staging, release=release)
    assert Release.objects.get(pk=release.pk).state == "approved"
    world.deploy(release=release, status="running")
    assert Release.objects.get(pk=release.pk).state == "deploying"


def test_a_rollback_restores_the_version_before_and_marks_what_it_undid(world: Any, moment: Any) -> None:
    good = world.deploy("1.0.0", started_at=moment(-3), finished_at=moment(-3))
    bad = world.deploy("1.1.0", started_at=moment(-2), finished_at=moment(-2))
    assert (
        refused(roll_back_deployment, world.as_["release_manager"], good, reason="Errors").code
        == "rollback.not_current"
    )
    back = roll_back_deployment(world.as_["release_manager"], bad, reason="Payment errors")
    assert (back.version, back.restores, back.rolls_back, back.state) == ("1.0.0", good, bad, "running")
    finish_deployment(world.as_["service_account"], back, status="succeeded")
    bad.refresh_from_db()
    assert (bad.state, bad.outcome) == ("rolled_back", "succeeded")
    running = current_versions(world.train)[world.ledger.pk][world.production.pk]
    assert running.version == "1.0.0"


def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(world: Any) -> None:
    only = world.deploy("1.0.0")
    assert (
        refused(roll_back_deployment, world.as_["release_manager"], only, reason="x").code
        == "rollback.nothing_before"
    )


def test_only_those_who_may_order_a_rollback_can(world: Any) -> None:
    deployment = world.deploy()
    assert refused(roll_back_deployment, world.as_["team_member"], deployment, reason="x").status == 403
    assert refused(world.deploy, role="executive").status == 403


def test_a_deployment_says_which_commits_it_carried(world: Any) -> None:
    deployment = world.deploy()
    given = [{"sha": "abcd1234", "authored_at": "2026-11-01T10:00:00Z", "title": "Retry"}]
    add_commits(world.as_["service_account"], deployment, commits=given)
    given[0]["merged_at"] = "2026-11-02T10:00:00Z"
    add_commits(world.as_["service_account"], deployment, commits=given)
    commit = Commit.objects.get()
    assert commit.merged_at is not None
    assert [link.commit for link in deployment.commits.all()] == [commit]
    fault = refused(
        add_commits, world.as_["service_account"], deployment, commits=[{"sha": "abcd", "authored_at": "?"}]
    )
    assert fault.refusals[0].field == "commits/0/authored_at"


# -- batches


def row(n: int, moment: Any, **said: Any) -> DeploymentRow:
    told = {
        "started_at": moment(n),
        "finished_at": moment(n),
        "status": "succeeded",
        "version": f"1.0.{n}",
        **said,
    }
    return DeploymentRow(
        service="ledger", environment="production", source="file", external_id=str(n), **told
    )


def test_a_batch_is_recorded_once_and_leaves_one_ledger_entry(world: Any, moment: Any) -> None:
    from releasetrain.audit.models import LedgerEntry

    actor = world.as_["release_manager"]
    rows = [row(n, moment) for n in range(5)]
    first = record_many(actor, rows, source_name="history.csv")
    second = record_many(actor, rows, source_name="history.csv")
    assert (first.created, first.unchanged) == (5, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, 5)
    assert first.digest == second.digest
    assert LedgerEntry.objects.filter(verb="deployment.record_many", body__contains=first.digest).count() == 2
    assert Deployment.history.count() == 5


def test_the_digest_of_a_batch_is_over_its_canonical_form(moment: Any) -> None:
    rows = [
        row(1, moment, version='1.0.0 "é" \x07\n\x7f'),
        row(2, moment, finished_at=None, status="running"),
    ]
    columns = ("service", "version", "started_at", "finished_at", "emergency")
    assert rows_digest(rows, columns) == digest([[getattr(r, c) for c in columns] for r in rows])


def test_a_batch_with_a_bad_row_changes_nothing_and_names_the_row(world: Any, moment: Any) -> None:
    rows = [row(1, moment), row(2, moment, status="exploded"), row(3, moment, finished_at=moment(-9))]
    fault = refused(record_many, world.as_["release_manager"], rows)
    assert [r.field for r in fault.refusals] == ["rows/1/status", "rows/2/finished_at"]
    assert Deployment.objects.count() == 0


def test_a_batch_keeps_the_rule_of_digests(world: Any, moment: Any) -> None:
    rows = [
        row(1, moment, version="1.0.0", digest="sha256:" + "a" * 64),
        row(2, moment, version="1.0.0", digest="sha256:" + "b" * 64),
    ]
    assert refused(record_many, world.as_["release_manager"], rows).code == "artifact.digest_changed"
    assert refused(record_many, world.as_["executive"], rows[:1]).status == 403


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_batches_in_any_order_settle_to_the_same_state(
    world: Any, moment: Any, order: list[int], cut: int
) -> None:
    events = [
        row(1, moment),
        row(2, moment, status="running", finished_at=None),
        row(2, moment, status="failed", finished_at=moment(2.5)),
        row(3, moment, kind="rollback", version="1.0.1"),
        row(4, moment),
        row(5, moment, kind="rollback", version=""),
    ]
    actor = world.as_["release_manager"]
    shuffled = [events[i] for i in order]
    with transaction.atomic():
        record_many(actor, shuffled[:cut])
        record_many(actor, shuffled[cut:])
        states = dict(Deployment.objects.values_list("external_id", "state"))
        undone = dict(
            Deployment.objects.exclude(rolls_back=None).values_list("external_id", "rolls_back__external_id")
        )
        transaction.set_rollback(True)
    assert states == {
        "1": "succeeded",
        "2": "rolled_back",
        "3": "succeeded",
        "4": "rolled_back",
        "5": "succeeded",
    }
    assert undone == {"3": "2", "5": "4"}


def test_a_batch_costs_the_same_statements_for_ten_rows_and_for_a_hundred(world: Any, moment: Any) -> None:
    def cost(numbers: range) -> int:
        with CaptureQueriesContext(connection) as captured:
            record_many(world.as_["release_manager"], [row(n, moment) for n in numbers])
        return len(captured)

    cost(range(1))
    assert cost(range(1, 10)) == cost(range(10, 110)) <= 10


def test_the_database_refuses_to_change_what_an_artifact_is(world: Any) -> None:
    artifact = world.artifact()
    artifact.digest = "sha256:" + "c" * 64
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        artifact.save()
    artifact.refresh_from_db()
    artifact.builder = "pipeline 7"
    artifact.save()


def test_deployments_between_is_half_open_and_needs_one_query(
    world: Any, moment: Any, django_assert_num_queries: Any
) -> None:
    record_many(world.as_["release_manager"], [row(n, moment) for n in range(5)])
    with django_assert_num_queries(1):
        found = list(deployments_between(moment(1), moment(3), train=world.train, production_only=True))
        assert [(d.external_id, d.service.name, d.environment.name) for d in found] == [
            ("1", "ledger", "production"),
            ("2", "ledger", "production"),
        ]
