"""Integration milestones: each required version with its evidence, and the state computed from both."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from governance.models import Result, ResultKind
from governance.queries.results import standing_results
from planning.models import VersionRequirement
from planning.rules.integration import Reached, Suite, reached, together
from trains.models import Artifact, ContractVerification, Deployment, Milestone, Train
from trains.queries.deployments import current_versions, version_running

TONE = {
    Reached.MET: ("ok", "Met"),
    Reached.WAITING: ("idle", "Waiting"),
    Reached.UNPROVEN: ("warn", "Unproven"),
    Reached.FAILING: ("bad", "Failing"),
}
# Reports of contract tests name themselves by their source: contract, contract:wallet-bff, contract-tests …
CONTRACT = "contract"


@dataclass(frozen=True)
class Requirement:
    """One required version, what runs, what was tested, and what follows."""

    row: VersionRequirement
    deployment: Deployment | None
    running: str
    results: list[Result | ContractVerification]
    state: Reached
    why: str

    @property
    def tone(self) -> str:
        return TONE[self.state][0]

    @property
    def word(self) -> str:
        return TONE[self.state][1]


@dataclass(frozen=True)
class IntegrationMilestone:
    """A milestone with its requirements."""

    milestone: Milestone
    requirements: list[Requirement]
    state: Reached | None

    @property
    def met(self) -> int:
        return sum(r.state == Reached.MET for r in self.requirements)

    @property
    def tone(self) -> str:
        return TONE[self.state][0] if self.state else "idle"

    @property
    def word(self) -> str:
        return TONE[self.state][1] if self.state else "Nothing required yet"


def integration_milestones(
    train: Train | None = None, milestone: uuid.UUID | None = None
) -> list[IntegrationMilestone]:
    """Integration milestones by their day, in a fixed number of queries."""
    rows = Milestone.objects.filter(kind=Milestone.Kind.INTEGRATION).select_related("train", "pi")
    if train is not None:
        rows = rows.filter(train=train)
    if milestone is not None:
        rows = rows.filter(pk=milestone)
    milestones = list(rows.order_by("on", "name"))
    wanted = list(
        VersionRequirement.objects.filter(milestone__in=milestones, withdrawn_at__isnull=True)
        .select_related("service__train", "environment", "milestone__train")
        .order_by("service__name", "environment__rank")
    )
    judged = _judge(wanted)
    found = []
    for each in milestones:
        requirements = [r for r in judged if r.row.milestone_id == each.pk]
        found.append(IntegrationMilestone(each, requirements, together(r.state for r in requirements)))
    return found


def _judge(wanted: list[VersionRequirement]) -> list[Requirement]:
    running = current_versions(services=[r.service_id for r in wanted])
    deployments = [d for by_environment in running.values() for d in by_environment.values()]
    artifacts = _artifacts(deployments)
    results = standing_results(artifacts.values(), ResultKind.TESTS)
    verified = _verified(deployments)
    found = []
    for row in wanted:
        deployment = running.get(row.service_id, {}).get(row.environment_id)
        version = version_running(deployment) if deployment else ""
        artifact = artifacts.get(deployment.pk) if deployment else None
        reports = [
            r
            for r in (results.get(artifact.pk, []) if artifact else [])
            if r.source.lower().startswith(CONTRACT)
        ]
        scheme = (row.service.train or row.milestone.train).version_scheme
        proofs = verified.get((row.service_id, version), [])
        suites = [*map(_suite, reports), *map(_pact, proofs)] if row.contract_tests else None
        state, why = reached(row.minimum_version, version, scheme, suites)
        found.append(Requirement(row, deployment, version, [*reports, *proofs], state, why))
    return found


def _artifacts(deployments: Iterable[Deployment]) -> dict[uuid.UUID, Artifact]:
    """Deployment → the build it left running; one without a build of its own is found by service and version."""
    listed = list(deployments)
    ids = {d.artifact_id for d in listed if d.artifact_id}
    named = [(d.service_id, version_running(d)) for d in listed if not d.artifact_id]
    either = Q(pk__in=ids)
    if named:
        either |= Q(service__in={s for s, _ in named}, version__in={v for _, v in named})
    by_id: dict[Any, Artifact] = {}
    by_version: dict[Any, Artifact] = {}
    for artifact in Artifact.objects.filter(either).select_related("service").order_by("created_at"):
        by_id[artifact.pk] = artifact
        by_version[artifact.service_id, artifact.version] = artifact
    found = {}
    for each in listed:
        artifact = by_id.get(each.artifact_id) or by_version.get((each.service_id, version_running(each)))
        if artifact:
            found[each.pk] = artifact
    return found


def _verified(deployments: list[Deployment]) -> dict[tuple[uuid.UUID, str], list[ContractVerification]]:
    """(Provider, version) → the latest verification of each of its contracts, by what the consumer expects."""
    rows = (
        ContractVerification.objects.filter(
            contract__provider__in={d.service_id for d in deployments},
            provider_version__in={version_running(d) for d in deployments},
            contract__retired_at__isnull=True,
        )
        .order_by("contract_id", "content_digest", "provider_version", "-reported_at", "-id")
        .distinct("contract_id", "content_digest", "provider_version")
        .select_related("contract__provider", "contract__consumer")
    )
    found: dict[tuple[uuid.UUID, str], list[ContractVerification]] = {}
    for row in rows:
        found.setdefault((row.contract.provider_id, row.provider_version), []).append(row)
    return found


def _pact(proof: ContractVerification) -> Suite:
    return Suite(max(proof.total, 1), 0 if proof.success else max(proof.failed, 1))


def _suite(result: Result) -> Suite:
    summary = result.summary
    executed = int(summary.get("total", 0)) - int(summary.get("skipped", 0))
    broken = int(summary.get("failed", 0)) + int(summary.get("errored", 0)) + len(summary.get("problems", []))
    return Suite(executed, broken)


def as_data(each: IntegrationMilestone) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "id": str(each.milestone.pk),
        "milestone": each.milestone.name,
        "train": each.milestone.train.key,
        "on": each.milestone.on,
        "state": each.state,
        "met": each.met,
        "requirements": [
            {
                "id": str(r.row.pk),
                "service": r.row.service.name,
                "environment": r.row.environment.name,
                "minimum_version": r.row.minimum_version,
                "contract_tests": r.row.contract_tests,
                "running": r.running or None,
                "state": r.state,
                "why": r.why,
                "deployment": str(r.deployment.pk) if r.deployment else None,
                "evidence": [str(each.pk) for each in r.results],
            }
            for r in each.requirements
        ],
    }
