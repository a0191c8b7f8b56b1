"""Records of planning, problems and reviews in evidence packages, and packages about a problem."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
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


def _documented(story: Story, problem: Any) -> None:
    """A root cause, a waiver, an approved document, a sighting by a runtime, and the change of the release."""
    from governance.actions.documents import approve_version, create_document, create_kind
    from governance.actions.waivers import grant_waiver, request_waiver
    from governance.models import DocumentVersion, Gate, SignOff, ThreatModel
    from problems.actions.root_causes import propose_root_cause
    from problems.models import Category, RootCause
    from releasetrain.kernel.clock import now
    from trains.models import RuntimeObservation

    with story.scope("problem_manager") as manager:
        propose_root_cause(
            manager,
            problem,
            statement="Two writers lock in different orders.",
            method=RootCause.Method.values[0],
            category=Category.values[0],
        )
    with story.scope("compliance_officer") as officer:
        kind = create_kind(officer, code="dr-plan", title="Disaster recovery plan")
    with story.scope("release_manager") as author:
        create_document(author, kind=kind, service=story.service, text="# Restore, then replay.")
        gate = Gate.objects.first()
        waiver = request_waiver(
            author,
            gate=gate,
            check=gate.current_version.checks[0]["name"],
            reason="The runner is down.",
            risk="A regression.",
            mitigation="A canary.",
            expires_at=now() + timedelta(days=2),
            release=story.release,
        )
    with story.scope("compliance_officer") as officer:
        grant_waiver(officer, waiver, decision="For two days.")
        approve_version(officer, DocumentVersion.objects.get(), decision="In order.")
    with story.scope("compliance_officer") as officer:
        ThreatModel.objects.create(release=story.release, title="Instant payments", author_id=officer.user_id)
        SignOff.objects.create(
            release=story.release,
            topic="Legal",
            statement="Terms read.",
            builds="sha256:" + "0" * 64,
            signed_by_id=officer.user_id,
        )
    with story.scope("service_account"):
        artifact = story.deployment.artifact
        RuntimeObservation.objects.create(
            service=story.service,
            environment=story.production,
            version="5.3.0",
            digest=artifact.digest if artifact else "",
            source="cluster",
        )


# What the specification lists, by the kinds of record that carry it.
LISTED = {
    "records with history": {"release", "scopeitem", "deployment", "environment", "service", "train"},
    "problems and incidents": {"problem", "problemfix", "incident", "failurelink", "rootcause"},
    "reviews": {"review"},
    "documents": {"document", "documentversion"},
    "waivers": {"waiver"},
    "sign-offs and readiness": {"signoff", "threatmodel"},
    "people": {"person"},
}


def test_every_app_adds_its_records_whatever_the_package_is_about(committed_db: Any, cast: Any) -> None:
    from governance.actions.evidence import request_package
    from governance.evidence.work import work_off
    from governance.models import ChangeRequest
    from problems.actions.evidence import build_evidence
    from releasetrain.kernel.clock import now

    story = Story(cast)
    problem = _eventful(story)
    _documented(story, problem)
    expected = set().union(*LISTED.values()) | {"feature"}
    span = {"starts": now() - timedelta(days=1), "ends": now()}
    with story.scope("compliance_officer") as officer:
        asked = [build_evidence(officer, problem), request_package(officer, **span)]
        asked.append(request_package(officer, release=story.release))
        change = ChangeRequest.objects.filter(release=story.release).first()
        asked += [request_package(officer, change=change)] if change else []
    for package in asked:
        work_off(cast.organization.pk, package.pk)
        built = story.again(package)
        assert expected <= _kinds(story, built), (built.subject_kind, expected - _kinds(story, built))
    of_problem = story.again(asked[0])
    assert (of_problem.subject_kind, of_problem.train_id) == ("problem", story.train.pk)
    # Approvals, verdicts with their inputs, findings and reports are there too where there are any: of the first release.
    whole = _kinds(story, story.again(asked[1]))
    assert {
        "changerequest",
        "vote",
        "board",
        "evaluation",
        "gateversion",
        "result",
        "finding",
        "changedeployment",
    } <= whole
