"""Readers over the real public data, read in place; counts are taken a second, simpler way."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from trains.rules.readers import github_incidents, govuk, openstack, wikimedia

DATA = Path(os.environ.get("RELEASETRAIN_DATA", ""))
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_DATA") or not DATA.is_dir(),
    reason="RELEASETRAIN_DATA does not name the folder of public data",
)

GOVUK = DATA / "govuk-deployments"
WIKIMEDIA = DATA / "wikimedia-train"
SERIES = {
    "2024.1-caracal": {"deliverables": 223, "teams": 40, "versions": 709, "changes": 529, "events": 42},
    "2024.2-dalmatian": {"deliverables": 220, "teams": 38, "versions": 670, "changes": 484, "events": 44},
}


def text(path: Path) -> str:
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()


def lines(path: Path) -> list[list[str]]:
    """Rows split at commas: enough for columns that stand before any quoted text."""
    return [line.split(",") for line in text(path).splitlines()[1:]]


@pytest.fixture(scope="module")
def deployments() -> list[govuk.DeploymentRow]:
    return list(govuk.read_deployments(GOVUK / "deployments-2023-2024-public.csv.gz", pytest.fail))


def test_the_deployment_log_is_read_whole(deployments):
    raw = lines(GOVUK / "deployments-2023-2024-public.csv.gz")
    assert len(deployments) == len(raw) == 57_470
    production = [row for row in deployments if row.environment == "production"]
    assert len(production) == sum(cells[2] == "production" for cells in raw) == 15_842
    rollbacks = [row for row in production if row.kind == "rollback"]
    assert len(rollbacks) == 107
    assert sum(row.is_rollback for row in rollbacks) == 77
    assert len({row.application for row in deployments}) == 67
    assert len({row.key for row in deployments}) == len(deployments)
    assert [row.commit for row in deployments] == [cells[12] for cells in raw]


def test_reading_the_deployment_log_is_quick():
    best = 9.0
    for _ in range(2):
        start = time.perf_counter()
        rows = list(govuk.read_deployments(GOVUK / "deployments-2023-2024-public.csv.gz", pytest.fail))
        best = min(best, time.perf_counter() - start)
    assert len(rows) > 57_000
    # A bound against quadratic work; the figure itself belongs to the benchmarks.
    assert best < 15, f"{best:.2f} s"


def test_commits_flags_and_owners_are_read_whole(deployments):
    commits = list(govuk.read_commits(GOVUK / "production_commits-2023-2024-public.csv.gz", pytest.fail))
    flags = list(govuk.read_deploy_flags(GOVUK / "deploy_flags-2023-2024-public.csv.gz", pytest.fail))
    owners, history = govuk.read_owners(GOVUK / "teams.json", pytest.fail)
    assert len(commits) == 12_292
    assert len({row.application for row in commits}) == 15
    live = {(row.application, row.deployed_at) for row in deployments if row.environment == "production"}
    assert all((row.application, row.deployed_at) in live for row in commits)
    assert len(flags) == len(lines(GOVUK / "deploy_flags-2023-2024-public.csv.gz")) == 4_603
    raw = json.loads(text(GOVUK / "teams.json"))
    assert (len(owners), len(history)) == (len(raw["current"]), len(raw["history"]))
    freezes = govuk.deploy_freezes(flags)
    assert freezes
    assert all(freeze.ends_at is None or freeze.starts_at < freeze.ends_at for freeze in freezes)


def test_the_ring_train_is_read_whole():
    path = WIKIMEDIA / "train_events-2016-2024-public.csv.gz"
    steps = list(wikimedia.read_train_steps(path, pytest.fail))
    assert len(steps) == len(lines(path)) == 2_216
    rollbacks = wikimedia.pair_rollbacks(steps)
    assert len(rollbacks) == sum(cells[3] == "rollback" for cells in lines(path)) == 309
    assert sum(pair.undone is not None for pair in rollbacks) > 300
    assert all(pair.minutes_live is None or pair.minutes_live >= 0 for pair in rollbacks)
    configs = list(
        wikimedia.read_config_deploys(WIKIMEDIA / "config_deploys-2023-2024-public.csv.gz", pytest.fail)
    )
    assert (len(configs), sum(row.is_revert for row in configs)) == (3_505, 203)


def test_the_incidents_are_read_whole():
    path = DATA / "github-incidents" / "incidents-2022-2024.jsonl.gz"
    rows = list(github_incidents.read_incidents(path, pytest.fail))
    assert len(rows) == len(text(path).splitlines()) == 399
    corrected = [row for row in rows if row.measured_minutes != row.duration_minutes]
    assert len(corrected) == 25, "durations the publisher corrected without moving the times"


@pytest.mark.parametrize(("folder", "expected"), SERIES.items(), ids=SERIES)
def test_a_series_is_read_whole(folder, expected):
    root = DATA / "openstack" / folder
    series = openstack.read_series(root)
    assert series.errors == ()
    assert len(series.deliverables) == expected["deliverables"]
    assert len(series.releasing_teams) == expected["teams"]
    assert len(series.versions) == expected["versions"]
    assert len({(cells[1], cells[5]) for cells in lines(root / "releases.csv")}) == expected["versions"]
    assert len(series.changes) == len(lines(root / "changes.csv")) == expected["changes"]
    assert len(series.schedule.events) == expected["events"]
    raw = {
        name: json.loads((root / f"{name}.json").read_text())
        for name in ("teams", "deliverables", "schedule")
    }
    assert len(series.teams) == len(raw["teams"]["teams"])
    assert len(series.team_changes) == len(raw["teams"]["changes_during_series"])
    assert [row.name for row in series.deliverables] == [each["deliverable"] for each in raw["deliverables"]]
    assert len(series.schedule_history) == len(lines(root / "schedule_history.csv"))
    assert len(series.deliverable_events) == len(lines(root / "deliverable_events.csv"))
    titles = {freeze.title for freeze in series.schedule.freezes()}
    assert {"Feature freeze", "Requirements freeze", "Membership Freeze", "Hard StringFreeze"} <= titles
    requested = {pair for change in series.changes for pair in change.versions()}
    released = {(version.deliverable, version.version) for version in series.versions}
    assert len(requested & released) > 0.9 * len(released)
