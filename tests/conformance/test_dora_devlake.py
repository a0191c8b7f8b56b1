"""Stages and deployment chains against Apache DevLake's tables, lead times with documented differences."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from metrics.rules.attribution import DeployedCommit, first_deployments, previous_successes
from metrics.rules.definitions import DIFFERENCES
from metrics.rules.dora import ChangeInDeployment, Deployment, DeploymentLog, LeadStart, change_lead_time
from metrics.rules.periods import Period
from metrics.rules.stages import MergeRequest, first_review, stages, whole_minutes

VECTORS = Path(os.environ.get("RELEASETRAIN_VECTORS", "")) / "01_dora_devlake" / "dora_e2e"
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_VECTORS") or not VECTORS.is_dir(),
    reason="RELEASETRAIN_VECTORS does not name the folder of published vectors",
)
PROJECT = {"cicd1", "cicd2"}


def rows(folder: str, name: str) -> list[dict[str, str]]:
    with (VECTORS / folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def moment(text: str) -> datetime | None:
    if not text:
        return None
    if "T" in text:
        return datetime.fromisoformat(text)
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def deployed(row: dict[str, str]) -> DeployedCommit:
    return DeployedCommit(
        id=row["id"],
        pipeline=row["cicd_scope_id"],
        repository=row["repo_url"],
        environment=row["environment"],
        commit=row["commit_sha"],
        finished_at=moment(row["finished_date"]),
        succeeded=row["result"] == "SUCCESS",
        production=row["environment"] == "PRODUCTION",
    )


def requests() -> dict[str, MergeRequest]:
    commits = [deployed(row) for row in rows("change_lead_time", "cicd_deployment_commits")]
    between: dict[tuple[str, str], list[str]] = {}
    for row in rows("change_lead_time", "commits_diffs"):
        between.setdefault((row["old_commit_sha"], row["new_commit_sha"]), []).append(row["commit_sha"])
    first = first_deployments([each for each in commits if each.pipeline in PROJECT], between)
    found = {}
    for row in rows("change_lead_time", "pull_requests"):
        comments = [
            (each["account_id"], moment(each["created_date"]))
            for each in rows("change_lead_time", "pull_request_comments")
            if each["pull_request_id"] == row["id"]
        ]
        authored = [
            moment(each["commit_authored_date"])
            for each in rows("change_lead_time", "pull_request_commits")
            if each["pull_request_id"] == row["id"]
        ]
        deployment = first.get(row["merge_commit_sha"])
        found[row["id"]] = MergeRequest(
            id=row["id"],
            author=row["author_id"],
            opened_at=moment(row["created_date"]),
            merged_at=moment(row["merged_date"]),
            first_commit_at=min(authored, default=None),
            first_review_at=first_review(row["author_id"], comments),
            deployed_at=deployment and deployment.finished_at,
        )
    return found


@pytest.mark.parametrize("folder", ["prev_success_deployment_commit", "change_lead_time"])
def test_chains_of_previous_successful_deployments(folder):
    chain = folder == "prev_success_deployment_commit"
    before = rows(folder, "cicd_deployment_commits" + ("_before" if chain else ""))
    after = rows(folder, "cicd_deployment_commits_after") if chain else before
    found = previous_successes([deployed(row) for row in before])
    expected = {row["id"]: row["prev_success_deployment_commit_id"] or None for row in after}
    assert found == expected


def test_stages_of_every_merge_request_in_minutes():
    expected = {row["id"]: row for row in rows("change_lead_time", "project_pr_metrics")}
    found = requests()
    for name, row in expected.items():
        split = stages(found[name])
        minutes = {
            "pr_coding_time": whole_minutes(split.coding),
            "pr_pickup_time": whole_minutes(split.pickup),
            "pr_review_time": whole_minutes(split.review),
            "pr_deploy_time": whole_minutes(split.deploying),
            "pr_cycle_time": split.cycle_minutes,
        }
        assert minutes == {key: int(row[key]) if row[key] else None for key in minutes}, name
    assert set(found) - set(expected) == {"pr6"}, "not merged, so not measured"


def test_our_lead_time_differs_as_documented():
    found = requests()
    log = DeploymentLog(
        [
            Deployment(row["id"], row["repo_url"], moment(row["finished_date"]))
            for row in rows("change_lead_time", "cicd_deployment_commits")
        ]
    )
    at = {d.finished_at: d.id for d in log.rows}
    changes = [
        ChangeInDeployment(r.id, at.get(r.deployed_at, "none"), r.first_commit_at, r.opened_at, r.merged_at)
        for r in found.values()
        if r.merged_at
    ]
    april = Period(datetime(2023, 4, 1, tzinfo=UTC), datetime(2023, 5, 1, tzinfo=UTC))
    merged = change_lead_time(log, changes, april, start=LeadStart.MERGED)
    assert merged.used == ("pr1", "pr2")
    exact = [(found[n].deployed_at - found[n].merged_at) / timedelta(minutes=1) for n in merged.used]
    expected = {row["id"]: row for row in rows("change_lead_time", "project_pr_metrics")}
    for name, minutes in zip(merged.used, exact, strict=True):
        assert 0 <= int(expected[name]["pr_deploy_time"]) - minutes < 1, "theirs is ours rounded up"
    reasons = {each.reason: each.ids for each in merged.excluded}
    assert reasons["negative"] == ("pr3",), "theirs drops the stage and keeps the request"
    assert reasons["no_deployment"] == ("pr0", "pr4", "pr5"), "theirs keeps them with the stages so far"
    assert merged.value == pytest.approx(sum(exact) / 2 * 60), "theirs would be the lower of the two"
    committed = change_lead_time(log, changes, april)
    assert committed.used == ("pr1", "pr2", "pr3")
    topics = {each.topic for each in DIFFERENCES if each.other == "DevLake"}
    assert {"median", "rounding", "lead time", "merged but not deployed"} <= topics
