"""Incidents from CSV: every fault with its line, all or nothing, the same file twice changes nothing; real data goes through."""

from __future__ import annotations

import csv
import gzip
import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from releasetrain.kernel.fields import Upload

from .conftest import World

HEAD = "id,title,services,detected_at,severity,resolved_at,category,fingerprint\n"
GOOD = (
    HEAD
    + "P-1,Declined,ledger;web,2026-03-01T21:40:00Z,critical,2026-03-01T22:10:00Z,code_defect,deadlock\n"
    + 'P-2,"Slow,\nvery slow",web,2026-03-02T08:00:00+01:00,,,,\n'
)
BAD = (
    HEAD
    + "P-1,Declined,ledger,2026-03-01T21:40:00Z,9,,,\n"
    + "P-2,Declined,cellar,2026-03-01T21:40:00Z,1,2026-03-01T21:00:00Z,,\n"
    + "P-3,Declined,ledger,yesterday,1,,,\n"
    + "P-4,Declined,ledger,2026-03-01T21:40:00Z,1,,witchcraft,\n"
    + "P-4,Declined,ledger,2026-03-01T21:40:00Z,1,,,\n"
)


def _file(text: str) -> Upload:
    return Upload("incidents.csv", text.encode(), "text/csv")


def test_the_same_file_twice_changes_nothing(world: World) -> None:
    from problems.actions.incident_import import import_incidents
    from problems.models import Incident

    manager = world.as_["release_manager"]
    rehearsed = import_incidents(manager, file=_file(GOOD), source="pager", dry_run=True)
    assert (rehearsed.created, Incident.objects.count()) == (2, 0)
    run = import_incidents(manager, file=_file(GOOD), source="pager")
    assert (run.rows, run.created, run.updated) == (2, 2, 0)
    first = Incident.objects.get(external_id="P-1")
    assert (first.severity, first.state, first.services.count()) == (1, "resolved", 2)
    again = import_incidents(manager, file=_file(GOOD), source="pager")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)


def test_every_fault_is_said_with_its_line_and_nothing_is_imported(world: World) -> None:
    from problems.actions.incident_import import import_incidents
    from problems.models import Incident
    from releasetrain.kernel.refusals import Refused

    with pytest.raises(Refused) as caught:
        import_incidents(world.as_["release_manager"], file=_file(BAD), source="pager")
    fields = [r.field for r in caught.value.refusals]
    assert fields == [
        "rows/2/severity",
        "rows/3/services",
        "rows/3/resolved_at",
        "rows/4/detected_at",
        "rows/5/category",
        "rows/6/id",
    ]
    assert all(r.status == 422 for r in caught.value.refusals)
    assert not Incident.objects.exists()


def test_a_person_checks_the_rows_before_importing_them(world: World, web: Any) -> None:
    from problems.models import Incident

    reader = web("release_manager")
    address = "/o/northwind/incidents/import/"
    assert "Import incidents" in reader.get(address).content.decode()
    sent = {"source": "pager", "act": "check", "file": SimpleUploadedFile("bad.csv", BAD.encode())}
    text = reader.post(address, sent).content.decode()
    assert "Nothing would be imported" in text
    assert "There is no service cellar." in text
    sent = {"source": "pager", "act": "check", "file": SimpleUploadedFile("good.csv", GOOD.encode())}
    answer = reader.post(address, sent)
    assert "Import 2 rows" in answer.content.decode()
    assert not Incident.objects.exists(), "a check writes nothing"
    carried = answer.context["carried"]
    done = reader.post(address, {"source": "pager", "act": "import", "carried": carried, "name": "good.csv"})
    assert (done.status_code, Incident.objects.count()) == (303, 2)
    assert web("auditor").post(address, sent | {"act": "import", "carried": carried}).status_code == 403


def test_rest_imports_too(world: World, api: Any) -> None:
    client = api("release_manager")
    file = SimpleUploadedFile("good.csv", GOOD.encode(), "text/csv")
    answer = client.post(
        "/api/v1/orgs/northwind/import-runs/incidents", {"file": file, "source": "pager"}, format="multipart"
    )
    assert (answer.status_code, answer.json()["created"]) == (201, 2)


@pytest.mark.skipif(not os.environ.get("RELEASETRAIN_DATA"), reason="RELEASETRAIN_DATA names no folder")
def test_the_incidents_of_an_it_help_desk_go_through(world: World) -> None:
    """UCI's ServiceNow log: the last event of each incident, one row each; 890 incidents, 48 of them with a problem."""
    from problems.actions.incident_import import import_incidents
    from problems.models import Incident

    last: dict[str, dict[str, str]] = {}
    path = (
        Path(os.environ["RELEASETRAIN_DATA"]) / "itil-servicenow-uci" / "incident_event_log_first6000.csv.gz"
    )
    with gzip.open(path, "rt", encoding="utf-8") as log:
        for row in csv.DictReader(log):
            last[row["number"]] = row
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "title", "services", "detected_at", "severity", "resolved_at", "fingerprint"])
    for number, row in last.items():
        opened, resolved = _moment(row["opened_at"]), _moment(row["resolved_at"])
        writer.writerow(
            [
                number,
                f"{row['category']} {row['subcategory']}",
                "ledger",
                opened.isoformat() if opened else "",
                row["priority"].partition(" ")[0],
                resolved.isoformat() if resolved and opened and resolved >= opened else "",
                f"{row['category']}/{row['subcategory']}/{row['u_symptom']}",
            ]
        )
    run = import_incidents(world.as_["release_manager"], file=_file(out.getvalue()), source="servicenow")
    assert (run.rows, run.created) == (len(last), len(last))
    assert len(last) == 890
    with_end = sum(1 for i in Incident.objects.filter(source="servicenow") if i.resolved_at)
    ended = sum(
        1
        for row in last.values()
        if (o := _moment(row["opened_at"])) and (r := _moment(row["resolved_at"])) and r >= o
    )
    assert with_end == ended


def _moment(text: str) -> datetime | None:
    return datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=UTC) if text != "?" else None
