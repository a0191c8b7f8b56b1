"""Records of planning, problems and reviews in evidence packages, and packages about a problem."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import pytest

from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)


def _eventful(story: Story) -> Any:
    """A feature in the scope, a problem that the release fixes, and an incident laid to the deployment."""
    from planning.actions.features import create_feature
    from planning.models import FeatureKind
    from problems.actions.incidents import record_incident
    from problems.actions.problems import create_problem, link_fix, link_incident
    from reviews.models import Depth, Review
    from trains.actions.releases import create_release
    from trains.actions.scope import add_item

    with story.scope("product_manager") as manager:
        feature = create_feature(
            manager, train=story.train, title="Instant payments", kind=FeatureKind.FEATURE
        )
    with story.scope("release_manager") as manager:
        story.release = create_release(manager, train=story.train, version="5.3.0")
        add_item(
            manager,
            story.release,
            title=feature.title,
            source_kind="feature",
            source_id=feature.pk,
            source_key=feature.key,
        )
    story.deployment = story.deploy(story.release, "5.3.0")
    with story.scope("problem_manager") as manager:
        problem = create_problem(manager, title="Ledger deadlocks", service=story.service, severity=1)
        incident = record_incident(manager, title="Payments are declined", service=story.service, severity=1)
        link_incident(manager, problem, incident=incident)
        link_fix(manager, problem, release=story.release, resolver=story.cast.user("developer"))
    with story.scope("auditor"):
        Review.objects.create(
            release=story.release,
            service=story.service,
            depth=Depth.DETAILED,
            due_at=story.release.created_at,
        )
    return problem


def _kinds(story: Story, package: Any) -> set[str]:
    assert package.state == "done", package.error
    with zipfile.ZipFile(story.path(package)) as archive:
        return {record["kind"] for record in json.loads(archive.read("records.json"))["records"]}


def test_every_app_adds_its_records(committed_db: Any, cast: Any) -> None:
    from governance.evidence.work import work_off
    from problems.actions.evidence import build_evidence

    story = Story(cast)
    problem = _eventful(story)
    expected = {
        "feature",
        "problem",
        "problemfix",
        "incident",
        "failurelink",
        "review",
        "scopeitem",
        "deployment",
    }
    of_release = story.built()
    assert expected <= _kinds(story, of_release)
    with story.scope("compliance_officer") as officer:
        package = build_evidence(officer, problem)
    work_off(cast.organization.pk, package.pk)
    of_problem = story.again(package)
    assert expected <= _kinds(story, of_problem)
    assert (of_problem.subject_kind, of_problem.train_id) == ("problem", story.train.pk)
