"""The CMDB filled, frozen and compared: imports, observed states, drift, baselines, discrepancies of a release."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from tests.trains.test_configuration import hangs, made
from trains.actions import configuration as items
from trains.actions import configuration_baselines as baselines
from trains.actions import scope
from trains.actions.configuration_import import Form, import_files, import_rows
from trains.actions.configuration_observations import post_observations
from trains.models import (
    ConfigurationBaseline,
    ConfigurationItem,
    ConfigurationObservation,
    ConfigurationRelation,
    Deployment,
    ToleratedDifference,
)
from trains.queries.drift import baselines_of, discrepancies_of, drift_of
from trains.rules.configuration_rows import kind_of_class

ORG = "/api/v1/orgs/northwind"
ITEMS = b"""id,name,kind,version,criticality,team,service,attributes
a,Ledger,application,5.1.0,1,LED,ledger,"{""tls"": ""1.3""}"
b,Ledger database,database,16,1,,,
"""
RELATIONS = b"source,kind,target\na,depends_on,b\n"


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


def counts(run: Any) -> tuple[int, int, int]:
    return run.created, run.updated, run.unchanged


# -- import


def test_the_same_files_twice_change_nothing(world: Any) -> None:
    rte = world.as_["rte"]
    files = {"file": Upload("ci.csv", ITEMS), "relations": Upload("rel.csv", RELATIONS)}
    assert counts(import_files(rte, **files, dry_run=True)) == (3, 0, 0)
    assert not ConfigurationItem.objects.exists()
    assert counts(import_files(rte, **files)) == (3, 0, 0)
    assert counts(import_files(rte, **files)) == (0, 0, 3)
    ledger = ConfigurationItem.objects.get(external_id="a")
    assert ledger.service == world.ledger and ledger.team == world.team
    assert ledger.expected_digest == digest({"version": "5.1.0", "tls": "1.3"})
    newer = ITEMS.replace(b"5.1.0", b"5.2.0")
    assert counts(import_files(rte, file=Upload("ci.csv", newer))) == (0, 1, 1)


def test_a_bad_row_refuses_the_whole_import_and_every_fault_is_named(world: Any) -> None:
    bad = ITEMS + b"c,Web,website,,,,,\nd,,server,,9,,,\ne,X,server,,,NOPE,,\na,Again,server,,,,,\n"
    sentences = [
        r.sentence for r in refused(import_files, world.as_["rte"], file=Upload("ci.csv", bad)).refusals
    ]
    assert len(sentences) == 5 and any("line 4, kind" in s for s in sentences)
    assert any("There is no team NOPE" in s for s in sentences)
    assert any("a is in the file more than once" in s for s in sentences)
    assert not ConfigurationItem.objects.exists()
    dangling = refused(
        import_files,
        world.as_["rte"],
        file=Upload("ci.csv", ITEMS),
        relations=Upload("rel.csv", b"source,kind,target\na,depends_on,zz\n"),
    )
    assert "There is no item zz" in dangling.refusals[0].sentence
    assert dangling.refusals[0].field == "relations" and not ConfigurationItem.objects.exists()


def test_rows_over_rest_and_a_complete_list_retires_what_is_gone(world: Any, api: Any) -> None:
    rows = [
        {"id": "a", "name": "Ledger", "kind": "application", "attributes": {"tls": "1.3"}},
        {"id": "b", "name": "Disk", "kind": "storage"},
    ]
    body = {"items": rows, "relations": [{"source": "a", "kind": "runs_on", "target": "b"}], "source": "x"}
    answer = api("rte").post(f"{ORG}/configuration-items/import_rows", body)
    assert answer.status_code in (200, 201), answer.content
    assert api("rte").post(f"{ORG}/configuration-items/import_rows", body).json()["unchanged"] == 3
    run = import_rows(world.as_["rte"], items=rows[:1], source="x", complete=True)
    assert counts(run) == (0, 1, 1)
    assert ConfigurationItem.objects.get(external_id="b").state == "retired"
    for bad in ({"items": [7]}, {"items": [{"id": "c"}]}, {}, {"items": [{**rows[0], "attributes": [1]}]}):
        answer = api("rte").post(f"{ORG}/configuration-items/import_rows", bad)
        assert answer.status_code == 422, (bad, answer.content)
    assert api("team_member").post(f"{ORG}/configuration-items/import_rows", body).status_code == 403


SERVICENOW = {
    "records": [
        {
            "sys_id": "5f1",
            "name": "ledger",
            "sys_class_name": "cmdb_ci_appl",
            "operational_status": {"value": "1", "display_value": "Operational"},
            "busines_criticality": "1 - most critical",
            "support_group": {"value": "9aa", "display_value": "Ledger"},
            "environment": "Production",
            "owned_by": {"value": "77c", "display_value": "Somebody Unknown"},
        },
        {
            "sys_id": "5f2",
            "name": "db-01",
            "sys_class_name": "cmdb_ci_linux_server",
            "operational_status": "6",
            "ip_address": "10.0.0.9",
        },
    ]
}
SERVICENOW_RELATIONS = {
    "result": [
        {
            "parent": {"value": "5f2", "display_value": "db-01"},
            "child": {"value": "5f1", "display_value": "ledger"},
            "type": {"value": "60bc4e22c0a8010e01f074cbe6bd73c3", "display_value": "Runs::Runs on"},
        }
    ]
}


def test_exports_of_servicenow_are_read_as_they_come(world: Any) -> None:
    rte = world.as_["rte"]
    files = {
        "file": Upload("cmdb_ci.json", json.dumps(SERVICENOW).encode()),
        "relations": Upload("cmdb_rel_ci.json", json.dumps(SERVICENOW_RELATIONS).encode()),
        "form": Form.SERVICENOW,
        "source": "servicenow",
    }
    assert counts(import_files(rte, **files)) == (3, 0, 0)
    assert counts(import_files(rte, **files)) == (0, 0, 3)
    ledger, server = (ConfigurationItem.objects.get(external_id=i) for i in ("5f1", "5f2"))
    assert (ledger.kind, ledger.criticality, ledger.state) == ("application", 1, "in_use")
    assert ledger.service == world.ledger and ledger.team == world.team
    assert ledger.environment == world.production and ledger.owner is None
    assert (server.kind, server.state, server.expected) == ("server", "retired", {"ip_address": "10.0.0.9"})
    link = ConfigurationRelation.objects.get()
    assert (link.source, link.kind, link.target) == (ledger, "runs_on", server)


def test_a_csv_export_of_servicenow_and_its_bad_rows(world: Any) -> None:
    good = b'"sys_id","name","sys_class_name","operational_status"\n"1","db","cmdb_ci_db_ora_instance","Operational"\n'
    run = import_files(world.as_["rte"], file=Upload("cmdb_ci.csv", good), form=Form.SERVICENOW)
    assert run.created == 1 and ConfigurationItem.objects.get().kind == "database"
    bad = good + b'"2","x","cmdb_ci_server","Wobbly"\n"","y","cmdb_ci_server","Operational"\n'
    said = [
        r.sentence
        for r in refused(
            import_files, world.as_["rte"], file=Upload("c.csv", bad), form=Form.SERVICENOW
        ).refusals
    ]
    assert len(said) == 2 and "record 2, operational_status" in said[0] and "record 3, sys_id" in said[1]
    strange = b"parent,child,type\n1,1,Haunts::Haunted by\n"
    error = refused(import_files, world.as_["rte"], relations=Upload("r.csv", strange), form=Form.SERVICENOW)
    assert "Haunts" in error.refusals[0].sentence


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cmdb_ci_win_server", "server"), ("cmdb_ci_server", "server"), ("cmdb_ci_app_server_tomcat", "middleware"),
     ("cmdb_ci_service_auto", "business_service"), ("cmdb_ci_kubernetes_cluster", "container"), ("u_toaster", "other")],
)  # fmt: skip
def test_classes_become_kinds(name: str, kind: str) -> None:
    assert kind_of_class(name) == kind


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_no_file_is_read_with_an_error_of_ours(content: bytes) -> None:
    import io

    from trains.rules.configuration_rows import read_items, read_servicenow_items

    for name in ("x.csv", "x.json"):
        for read in (read_items, read_servicenow_items):
            errors: list[Any] = []
            list(read(io.BytesIO(content), name, errors.append))


# -- observed states and drift


def seen(world: Any, *states: dict[str, Any], hours: float = 0, **said: Any) -> Any:
    at = now() - timedelta(hours=hours)
    return post_observations(
        world.as_["service_account"], source="scanner", states=list(states), observed_at=at, **said
    )


def test_the_same_report_twice_and_an_older_one_change_nothing(world: Any) -> None:
    item = made(world, "ledger", version="5.1.0")
    state = {"id": item.key, "version": "5.1.0"}
    at = now()
    first = post_observations(world.as_["service_account"], source="s", states=[state], observed_at=at)
    again = post_observations(world.as_["service_account"], source="s", states=[state], observed_at=at)
    assert (counts(first), counts(again)) == ((1, 0, 0), (0, 0, 1))
    old = {**state, "version": "4"}
    post_observations(world.as_["service_account"], source="s", states=[old], observed_at=at - timedelta(1))
    assert ConfigurationObservation.objects.get().state == {"version": "5.1.0"}


def test_drift_names_what_was_added_what_is_missing_and_each_changed_field(world: Any) -> None:
    ledger = made(world, "ledger", version="5.1.0", expected={"tls": "1.3", "replicas": 3})
    disk, never = made(world, "disk"), made(world, "never seen")
    seen(
        world,
        {"id": "ledger", "version": "5.0.9", "state": {"replicas": 3}},
        {"id": "disk"},
        {"id": "miner"},
        hours=2,
    )
    seen(
        world, {"id": "ledger", "version": "5.0.9", "state": {"replicas": 3}}, {"id": "miner"}, complete=True
    )
    drift = drift_of([ledger, disk, never], now(), strangers=True)
    assert sorted(f.sentence for f in drift.found) == [
        "disk is on record, and scanner no longer sees it.",
        "ledger: tls should be 1.3; it was not seen.",
        "ledger: version should be 5.1.0, is 5.0.9.",
        "miner runs, seen by scanner, and no item stands for it.",
    ]
    assert drift.unseen == (never,)


def test_a_broken_report_of_a_scanner_is_refused_whole(world: Any, api: Any) -> None:
    made(world, "ledger")
    for bad in ([{"id": "ledger"}, {"id": ""}], [{"id": "a"}, {"id": "a"}], [3], [{"id": "a", "colour": "red"}],
                [{"id": "a", "state": {"x": {}}}], [{"id": "a", "present": "no"}]):  # fmt: skip
        body = {"source": "s", "states": bad}
        answer = api("service_account").post(f"{ORG}/configuration-observations/post", body)
        assert answer.status_code == 422, (bad, answer.content)
    assert not ConfigurationObservation.objects.exists()
    answer = api("team_member").post(f"{ORG}/configuration-observations/post", {"source": "s", "states": []})
    assert answer.status_code == 403


def test_one_exact_difference_is_tolerated_until_its_day(world: Any) -> None:
    officer = world.as_["compliance_officer"]
    item = made(world, "ledger", expected={"replicas": 3})
    seen(world, {"id": "ledger", "state": {"replicas": 2}}, hours=1)
    (found,) = drift_of([item], now()).found
    until = now() + timedelta(days=7)
    accept = {"fingerprint": found.difference.fingerprint, "reason": "Stock is short.", "until": until}
    assert (
        refused(baselines.tolerate_drift, officer, item, **{**accept, "until": now() + timedelta(days=400)})
        .refusals[0]
        .field
        == "until"
    )
    baselines.tolerate_drift(officer, item, **accept)
    assert drift_of([item], now()).open == []
    assert len(drift_of([item], until + timedelta(seconds=1)).open) == 1
    seen(world, {"id": "ledger", "state": {"replicas": 1}})
    assert len(drift_of([item], now()).open) == 1, "another value is another difference"
    assert refused(baselines.tolerate_drift, officer, item, **accept).refusals[0].field == "fingerprint"


def test_whoever_answers_for_an_item_does_not_accept_its_drift(world: Any) -> None:
    officer = world.as_["compliance_officer"]
    item = made(world, "ledger", expected={"replicas": 3}, owner=world.as_.user("compliance_officer"))
    seen(world, {"id": "ledger", "state": {"replicas": 2}})
    (found,) = drift_of([item], now()).found
    error = refused(
        baselines.tolerate_drift,
        officer,
        item,
        fingerprint=found.difference.fingerprint,
        reason="Mine.",
        until=now() + timedelta(days=1),
    )
    assert error.refusals[0].code == "tolerated_difference.owner"


# -- baselines, and a release against the CMDB


@pytest.fixture
def release(world: Any) -> Any:
    found = world.release()
    scope.attach_artifact(world.as_["release_manager"], found, artifact=world.artifact())
    return found


def managed(world: Any) -> ConfigurationItem:
    ledger = made(world, "ledger", service=world.ledger, version="5.2.0")
    database = made(world, "database")
    hangs(world, ledger, "depends_on", database)
    hangs(world, made(world, "portal"), "depends_on", ledger)
    return ledger


def test_a_baseline_holds_the_units_and_all_they_rest_on_and_never_changes(world: Any, release: Any) -> None:
    manager = world.as_["release_manager"]
    assert refused(baselines.freeze_baseline, manager, release=release).refusals[0].field == "release"
    managed(world)
    frozen = baselines.freeze_baseline(manager, release=release)
    assert [i["name"] for i in frozen.content["items"]] == ["ledger", "database"]
    assert frozen.content_digest == digest(frozen.content)
    assert baselines.freeze_baseline(manager, release=release) == frozen, (
        "the same content is no new baseline"
    )
    unit = world.artifact().digest
    assert baselines_of([unit]) == {unit: frozen}
    with pytest.raises(DatabaseError), transaction.atomic():
        ConfigurationBaseline.objects.filter(pk=frozen.pk).update(name="other")


def test_a_release_and_the_cmdb_must_agree_before_production(world: Any, release: Any) -> None:
    manager, rte = world.as_["release_manager"], world.as_["rte"]
    assert "No configuration item stands for ledger" in discrepancies_of(release, now())[0].sentence
    ledger = managed(world)
    items.edit_item(rte, ledger, version="4.0.0")
    assert [f.difference.kind for f in discrepancies_of(release, now())] == ["version", "unbaselined"]
    items.edit_item(rte, ledger, version="5.2.0")
    baselines.freeze_baseline(manager, release=release)
    assert discrepancies_of(release, now()) == []
    items.edit_item(rte, ledger, expected={"tls": "1.3"})
    assert [f.difference.kind for f in discrepancies_of(release, now())] == ["changed"]


def test_an_open_discrepancy_stops_the_deployment_until_it_is_accepted(world: Any) -> None:
    officer = world.as_["compliance_officer"]
    release = world.approved()
    ledger = managed(world)
    start = {"status": "running", "release": release}
    error = refused(world.deploy, **start).refusals[0]
    assert error.code == "deployment.configuration" and "is in no baseline" in error.sentence
    assert world.deploy(environment=world.staging, **start)
    for found in discrepancies_of(release, now()):
        baselines.accept_discrepancy(
            officer,
            release,
            fingerprint=found.difference.fingerprint,
            reason="The CMDB is being moved.",
            until=now() + timedelta(days=1),
        )
    assert world.deploy(**start).state == Deployment.State.RUNNING
    assert ToleratedDifference.objects.filter(release=release).count() == 1
    assert ledger.version == "5.2.0"


def test_what_was_deployed_is_what_should_run(world: Any) -> None:
    ledger = managed(world)
    world.deploy("5.3.0", environment=world.staging)
    world.deploy("5.3.0")
    assert ConfigurationItem.objects.get(pk=ledger.pk).version == "5.3.0"
    world.deploy("5.1.0", started_at=now() - timedelta(days=3), finished_at=now() - timedelta(days=3))
    assert ConfigurationItem.objects.get(pk=ledger.pk).version == "5.3.0", "an older report changes nothing"
