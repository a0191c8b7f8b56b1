"""Real public data goes in whole or not at all; a second run changes nothing; the figures agree with the files."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path
from typing import Any

import pytest

from releasetrain.exchange.imports.govuk import import_deployment_history
from releasetrain.exchange.imports.incidents import import_status_page
from releasetrain.exchange.imports.openstack import import_release_series
from releasetrain.exchange.imports.wikimedia import import_ring_train
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.actions.trains import create_train
from trains.models import Commit, Deployment, Freeze, Milestone, Service, Team, Train

DATA = os.environ.get("RELEASETRAIN_DATA", "")
needs_data = pytest.mark.skipif(
    not (DATA and Path(DATA).is_dir()), reason="RELEASETRAIN_DATA names no folder with the public data sets"
)


def upload(*parts: str) -> Upload:
    path = Path(DATA, *parts)
    return Upload(path.name, path.read_bytes())


def lines(*parts: str) -> list[dict[str, str]]:
    """The file read in the plainest way, to check our figures against."""
    path = Path(DATA, *parts)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture
def train(cast: Any, in_northwind: Any) -> Train:
    from datetime import date

    return create_train(cast["owner"], key="REAL", name="Real data", cadence_start=date(2023, 1, 2))


@needs_data
@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_govuk_goes_in_twice_and_agrees_with_the_files(cast: Any, train: Train) -> None:
    files = {
        "deployments": upload("govuk-deployments", "deployments-2023-2024-public.csv.gz"),
        "commits": upload("govuk-deployments", "production_commits-2023-2024-public.csv.gz"),
    }
    run = import_deployment_history(cast["owner"], train=train, **files)
    rows = lines("govuk-deployments", "deployments-2023-2024-public.csv.gz")
    assert Deployment.objects.count() == len(rows) == 57_470
    production = Deployment.objects.filter(environment__kind="production")
    assert production.count() == sum(r["env"] == "production" for r in rows)
    assert production.filter(kind="rollback").count() == sum(
        r["env"] == "production" and r["kind"] == "rollback" for r in rows
    )
    assert Service.objects.count() == len({r["app"] for r in rows})
    commits = lines("govuk-deployments", "production_commits-2023-2024-public.csv.gz")
    assert Commit.objects.count() == len({(c["app"], c["sha"]) for c in commits if c["authored_at"]})
    again = import_deployment_history(cast["owner"], train=train, **files)
    assert (again.created, again.updated, again.rows) == (0, 0, run.rows)
    assert again.digest == run.digest


@needs_data
@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_openstack_2024_1_goes_in_twice_and_agrees_with_the_files(cast: Any, train: Train) -> None:
    import json

    folder = ("openstack", "2024.1-caracal")
    files = {
        name: upload(*folder, file)
        for name, file in (
            ("schedule", "schedule.json"),
            ("deliverables", "deliverables.json"),
            ("teams", "teams.json"),
            ("releases", "releases.csv"),
        )
    }
    import_release_series(cast["owner"], train=train, **files)
    deliverables = json.loads(Path(DATA, *folder, "deliverables.json").read_text())
    listed = deliverables if isinstance(deliverables, list) else deliverables["deliverables"]
    versions = {(r["deliverable"], r["version"]) for r in lines(*folder, "releases.csv")}
    assert Service.objects.count() == len(listed) == 223
    assert Team.objects.filter(train=train).count() == 40
    assert Deployment.objects.count() == len(versions) == 709
    assert Milestone.objects.exists()
    assert Freeze.objects.exists()
    before = (Milestone.objects.count(), Freeze.objects.count())
    again = import_release_series(cast["owner"], train=train, **files)
    assert (again.created, again.updated) == (0, 0)
    assert (Milestone.objects.count(), Freeze.objects.count()) == before


@needs_data
@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_wikimedias_train_goes_in_with_its_rollbacks(cast: Any, train: Train) -> None:
    folder = Path(DATA, "wikimedia-train")
    name = next(p.name for p in folder.iterdir() if p.name.startswith("train_events"))
    run = import_ring_train(cast["owner"], train=train, steps=upload("wikimedia-train", name))
    rows = lines("wikimedia-train", name)
    assert len(rows) == 2_216
    rolled_back = {
        r["sha"] for r in rows if r["action"] == "rollback" and r["to_version"] and r["groups_changed"]
    }
    kept = set(Deployment.objects.filter(kind="rollback").values_list("commit", flat=True))
    assert kept == rolled_back
    assert (
        import_ring_train(cast["owner"], train=train, steps=upload("wikimedia-train", name)).unchanged
        == run.rows
    )


@needs_data
@pytest.mark.django_db
def test_a_status_pages_incidents_go_in_twice(cast: Any, train: Train) -> None:
    from problems.models import Incident

    file = upload("github-incidents", "incidents-2022-2024.jsonl.gz")
    import_status_page(cast["owner"], train=train, incidents=file, source="github-status")
    assert Incident.objects.count() == len(gzip.decompress(file.content).splitlines()) == 399
    again = import_status_page(cast["owner"], train=train, incidents=file, source="github-status")
    assert (again.created, again.updated) == (0, 0)


HEADER = "deployed_at,requested_at,env,app,version,prev_version,kind,sha"
GOOD = "2024-01-02T10:00:00Z,2024-01-02T09:59:00Z,production,search,1,,first,abc1234"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("yesterday,2024-01-02T09:59:00Z,production,search,2,1,deploy,abc1235", "deployed_at"),
        ("2024-01-03T10:00:00Z,2024-01-02T09:59:00Z,production,search,2,1,exploded,abc1235", "kind"),
        ("2024-01-03T10:00:00Z,2024-01-02T09:59:00Z,,search,2,1,deploy,abc1235", "env"),
    ],
)
def test_one_bad_row_keeps_everything_out_and_is_named(cast: Any, train: Train, row: str, named: str) -> None:
    file = Upload("history.csv", f"{HEADER}\n{GOOD}\n{row}\n".encode())
    with pytest.raises(Refused) as refused:
        import_deployment_history(cast["owner"], train=train, deployments=file)
    assert any(named in r.sentence and "line 3" in r.sentence for r in refused.value.refusals)
    assert not Deployment.objects.exists()
    assert not Service.objects.exists()
