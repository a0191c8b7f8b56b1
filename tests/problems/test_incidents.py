"""Incidents: recorded once, moments in order, suspected deployments proposed, batches imported."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import DAY, HOUR, START, World


def test_the_same_report_twice_is_one_incident(world: World) -> None:
    from problems.models import Incident

    said = {"source": "pagerduty", "external_id": "P-1", "detected_at": START - HOUR}
    first = world.incident(**said)
    second = world.incident(**said, resolved_at=START)
    assert first.pk == second.pk
    assert Incident.objects.count() == 1
    assert second.state == "resolved"
    assert second.key == "INC-1"


def test_a_resolution_before_its_detection_is_refused(world: World, refused: Any) -> None:
    with refused("incident.order"):
        world.incident(detected_at=START, resolved_at=START - HOUR)


def test_a_link_is_a_web_address(world: World, refused: Any) -> None:
    with refused("incident.url"):
        world.incident(url="javascript:alert(1)")


def test_the_database_holds_the_order_too(world: World) -> None:
    from django.db import IntegrityError, transaction

    incident = world.incident()
    incident.resolved_at, incident.state = incident.detected_at - HOUR, "resolved"
    with pytest.raises(IntegrityError, match="incident_times_ordered"), transaction.atomic():
        incident.save()


def test_the_last_production_deployment_of_the_day_before_is_proposed(world: World) -> None:
    world.deploy("5.0.0", started_at=START - 30 * HOUR, finished_at=START - 30 * HOUR)
    suspect = world.deploy("5.1.0", started_at=START - 3 * HOUR, finished_at=START - 2 * HOUR)
    world.deploy("5.1.1", environment=world.staging, started_at=START - HOUR, finished_at=START - HOUR)
    world.deploy("1.0.0", service=world.web, started_at=START - HOUR, finished_at=START - HOUR)
    link = world.incident().failure_links.get()
    assert (link.deployment, link.kind, link.status) == (suspect, "caused", "proposed")
    assert link.proposed_by_id is None


def test_a_proposed_deployment_is_accepted_or_disputed_by_a_person(world: World) -> None:
    from problems.actions.failure_links import accept_link, dispute_link

    world.deploy("5.1.0", started_at=START - HOUR, finished_at=START - HOUR)
    link = world.incident().failure_links.get()
    accept_link(world.as_["release_manager"], link)
    link.refresh_from_db()
    assert (link.status, link.decided_by_id) == ("accepted", world.as_["release_manager"].user_id)
    dispute_link(world.as_["problem_manager"], link, reason="The database was patched an hour earlier.")
    link.refresh_from_db()
    assert link.status == "disputed"


def test_what_was_deployed_later_cannot_have_caused_it(world: World, refused: Any) -> None:
    from problems.actions.failure_links import link_deployment

    incident = world.incident(detected_at=START - DAY)
    later = world.deploy("5.1.0")
    with refused("failure_link.later"):
        link_deployment(world.as_["release_manager"], incident, deployment=later)
    link = link_deployment(world.as_["release_manager"], incident, deployment=later, kind="recovered_by")
    assert link.status == "proposed"


def test_a_deployment_reported_late_still_finds_its_incident(world: World) -> None:
    incident = world.incident(detected_at=START - HOUR)
    assert not incident.failure_links.exists()
    late = world.deploy("5.1.0", started_at=START - 2 * HOUR, finished_at=START - 2 * HOUR)
    world.follow(late)
    world.follow(late)
    assert incident.failure_links.get().deployment == late


def test_mitigated_then_resolved_then_it_was_not_over(world: World, refused: Any) -> None:
    from problems.actions.incidents import close, mitigate, reopen, resolve

    actor = world.as_["team_member"]
    incident = world.incident(role="team_member")
    mitigate(actor, incident)
    resolve(actor, incident)
    reopen(actor, incident, reason="Errors are back.")
    incident.refresh_from_db()
    assert (incident.state, incident.mitigated_at, incident.resolved_at) == ("detected", None, None)
    resolve(actor, incident)
    close(actor, incident)
    with refused("state.illegal"):
        mitigate(actor, incident)


def test_an_auditor_reads_but_records_nothing(world: World, refused: Any) -> None:
    with refused("permission.missing"):
        world.incident(role="auditor")


def test_many_incidents_are_imported_with_one_ledger_entry(world: World) -> None:
    from problems.actions.incident_batch import IncidentRow, record_many
    from problems.models import FailureLink, Incident
    from releasetrain.audit.models import LedgerEntry

    cause = world.deploy(
        "5.1.0", source="ci", external_id="d-1", started_at=START - 9 * DAY, finished_at=START - 9 * DAY
    )
    near = world.deploy("5.1.1", started_at=START - 2 * HOUR, finished_at=START - 2 * HOUR)
    rows = [
        IncidentRow(
            title=f"Incident {i}",
            services=("ledger", "web") if i == 0 else ("ledger",),
            detected_at=START - i * DAY,
            resolved_at=START - i * DAY + HOUR,
            source="ci",
            external_id=f"i-{i}",
            caused_by=("d-1",) if i == 5 else (),
        )
        for i in range(6)
    ]
    before = LedgerEntry.objects.count()
    result = record_many(world.as_["rte"], rows, source_name="history.csv")
    assert (result.created, result.updated, result.linked) == (6, 0, 2)
    assert LedgerEntry.objects.filter(verb="incident.record_many").count() == 1
    assert LedgerEntry.objects.count() == before + 1
    assert {i.key for i in Incident.objects.all()} == {f"INC-{n}" for n in range(1, 7)}
    assert FailureLink.objects.get(deployment=cause).status == "accepted"
    assert FailureLink.objects.get(deployment=near).status == "proposed"
    again = record_many(world.as_["rte"], rows)
    assert (again.created, again.updated, again.unchanged, again.digest) == (0, 0, 6, result.digest)


def test_a_batch_with_faults_changes_nothing_and_names_each_row(world: World) -> None:
    from problems.actions.incident_batch import IncidentRow, record_many
    from problems.models import Incident
    from releasetrain.kernel.refusals import Refused

    rows = [
        IncidentRow(title="Good", services=("ledger",), detected_at=START, source="ci", external_id="1"),
        IncidentRow(title="Where?", services=("nowhere",), detected_at=START, source="ci", external_id="2"),
        IncidentRow(
            title="Odd",
            services=("web",),
            detected_at=START,
            resolved_at=START - HOUR,
            source="ci",
            external_id="3",
        ),
    ]
    with pytest.raises(Refused) as caught:
        record_many(world.as_["rte"], rows)
    assert [r.field for r in caught.value.refusals] == ["rows/1/services", "rows/2/resolved_at"]
    assert not Incident.objects.exists()


def test_pipelines_record_incidents_over_the_api(world: World, api: Any) -> None:
    answer = api("service_account").post(
        "/api/v1/orgs/northwind/incidents/record",
        {
            "title": "Payments are declined",
            "service": "ledger",
            "severity": 1,
            "source": "alerts",
            "external_id": "a-1",
        },
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["key"] == "INC-1"
    assert api("service_account", "contoso-health").get(
        "/api/v1/orgs/northwind/incidents/INC-1"
    ).status_code in (403, 404)
