"""The five metrics over two years of real deployments, against a plain second computation."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from metrics.rules.attribution import DeployedVersion, rollback_links
from metrics.rules.definitions import Metric
from metrics.rules.dora import ChangeInDeployment, Deployment, DeploymentLog, Purpose, five_metrics
from metrics.rules.dora_grid import dora_grid
from metrics.rules.periods import Period
from trains.rules.readers import govuk

DATA = Path(os.environ.get("RELEASETRAIN_DATA", "")) / "govuk-deployments"
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_DATA") or not DATA.is_dir(),
    reason="RELEASETRAIN_DATA does not name the folder of public data",
)
PERIOD = Period(datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))


class Recorded:
    """The public rows as the metrics want them."""

    def __init__(self) -> None:
        self.rows = list(govuk.read_deployments(DATA / "deployments-2023-2024-public.csv.gz", pytest.fail))
        self.commits = list(
            govuk.read_commits(DATA / "production_commits-2023-2024-public.csv.gz", pytest.fail)
        )
        self.live = [row for row in self.rows if row.environment == "production"]
        self.deployments = [
            Deployment(
                id=row.key,
                service=row.application,
                finished_at=row.deployed_at,
                production=row.environment == "production",
                purpose=Purpose.ROLLBACK if row.is_rollback else Purpose.PLANNED,
            )
            for row in self.rows
        ]
        key = {(row.application, row.deployed_at): row.key for row in self.live}
        self.changes = [
            ChangeInDeployment(
                change_id=commit.commit,
                deployment_id=key[commit.application, commit.deployed_at],
                committed_at=commit.authored_at,
                merged_at=commit.merged_at,
            )
            for commit in self.commits
        ]
        self.links = rollback_links(
            DeployedVersion(
                id=row.key,
                service=row.application,
                version=row.version,
                deployed_at=row.deployed_at,
                rollback_from=row.previous_version if row.is_rollback else "",
            )
            for row in self.live
        )


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded()


def test_the_whole_organization(recorded):
    log = DeploymentLog(recorded.deployments)
    measures = five_metrics(log, recorded.changes, recorded.links, PERIOD)
    frequency = measures[Metric.DEPLOYMENT_FREQUENCY]
    assert frequency.counts["deployments"] == 15_842
    assert frequency.value == pytest.approx(15_842 / 731)
    assert len(frequency.excluded[0].ids) == 57_470 - 15_842
    assert measures[Metric.REWORK_RATE].counts["rework"] == 77
    fail = measures[Metric.CHANGE_FAIL_RATE]
    undone = {link.deployment_id for link in recorded.links if link.kind == "caused"}
    assert fail.counts["failed"] == len(undone)
    assert 60 <= len(undone) <= 77
    assert measures[Metric.RECOVERY_TIME].counts["recovered"] == len(undone)
    lead = measures[Metric.CHANGE_LEAD_TIME]
    left_out = sum(len(each.ids) for each in lead.excluded)
    assert lead.counts["changes"] + left_out == 12_292


def test_every_service_and_month_agrees_with_a_plain_computation(recorded):
    grid = dora_grid(DeploymentLog(recorded.deployments), recorded.changes, recorded.links, PERIOD)

    def cell(service: str, moment: datetime) -> tuple[str, int, int]:
        return service, moment.year, moment.month

    deployed, failed, rework = defaultdict(int), defaultdict(int), defaultdict(int)
    lead, recovery = defaultdict(list), defaultdict(list)
    for row in recorded.live:
        deployed[cell(row.application, row.deployed_at)] += 1
        rework[cell(row.application, row.deployed_at)] += row.is_rollback
    last: dict[str, govuk.DeploymentRow] = {}
    for row in recorded.live:
        before = last.get(row.application)
        if row.is_rollback and before is not None and before.version == row.previous_version:
            place = cell(before.application, before.deployed_at)
            failed[place] += 1
            recovery[place].append((row.deployed_at - before.deployed_at).total_seconds())
        last[row.application] = row
    first: dict[tuple[str, str], govuk.CommitRow] = {}
    for commit in sorted(recorded.commits, key=lambda commit: commit.deployed_at):
        first.setdefault((commit.application, commit.commit), commit)
    for commit in first.values():
        seconds = (commit.deployed_at - commit.authored_at).total_seconds()
        if seconds >= 0:
            lead[cell(commit.application, commit.deployed_at)].append(seconds)

    seen = set()
    for found in grid.cells():
        place = (found.group, found.slot.day.year, found.slot.day.month)
        seen.add(place)
        assert found.deployments == deployed[place]
        assert found.failed == failed[place]
        assert found.rework == rework[place]
        assert found.lead_seconds == (pytest.approx(statistics.median(lead[place])) if lead[place] else None)
        expected = pytest.approx(statistics.median(recovery[place])) if recovery[place] else None
        assert found.recovery_seconds == expected
    assert seen == set(deployed)


def test_all_services_and_months_of_the_whole_log_fit_one_grid(recorded):
    grid = dora_grid(DeploymentLog(recorded.deployments), recorded.changes, recorded.links, PERIOD)
    assert grid.deployments.shape == (67, 24)
