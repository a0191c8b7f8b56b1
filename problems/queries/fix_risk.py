"""The risk class of a release that fixes problems, and which documents of its depth of review are there."""

from __future__ import annotations

from dataclasses import dataclass

from governance.models import ChangeRequest
from governance.queries.changes import APPROVING, signed
from problems.models import Problem, RootCause, SuccessCriterion
from problems.rules.fix_risk import DOCUMENTS, Facts, RiskClass, classify
from trains.models import Contract, Release, Service

from .claims import claimed_by
from .policy import policy_in_force

_LIVE = (
    ChangeRequest.State.CANCELLED,
    ChangeRequest.State.REJECTED,
    ChangeRequest.State.EXPIRED,
)


@dataclass(frozen=True)
class Document:
    """One thing that the depth of review asks for, and why it is not there; empty when it is."""

    name: str
    title: str
    missing: str


@dataclass(frozen=True)
class Depth:
    """What is asked of a release of this class, and how it stands."""

    risk: RiskClass
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]

    @property
    def missing(self) -> list[Document]:
        return [d for d in self.documents if d.missing]


def services_of_release(release: Release) -> list[Service]:
    """The services that it carries or says it will deploy."""
    carried = set(release.artifacts.values_list("service_id", flat=True))
    said = set(release.members.filter(removed_at__isnull=True).values_list("service_id", flat=True))
    return list(Service.objects.filter(pk__in=carried | said).order_by("name"))


def change_of_release(release: Release) -> ChangeRequest | None:
    """Its change request that is not off the table."""
    return release.changes.exclude(state__in=_LIVE).select_related("board").order_by("-created_at").first()


def risk_class_of(release: Release, problems: list[Problem] | None = None) -> RiskClass:
    """The class with its reasons, from what the release carries and fixes now."""
    fixed = claimed_by(release) if problems is None else problems
    services = services_of_release(release) or list({p.service_id: p.service for p in fixed}.values())
    ids = [s.pk for s in services]
    relying = Contract.objects.filter(provider__in=ids, retired_at__isnull=True).exclude(consumer__in=ids)
    change = change_of_release(release)
    hurried = change is not None and change.type == ChangeRequest.Type.EMERGENCY
    return classify(
        Facts(
            severity=min((p.severity for p in fixed), default=None),
            tier=min((s.tier for s in services), default=None),
            services=len(services),
            problems=len(fixed),
            came_back=sum(p.reopened_count > 0 for p in fixed),
            emergency=hurried or release.classification == "hotfix",
            reaches=relying.values("consumer").distinct().order_by().count(),
        )
    )


def depth_of(release: Release) -> Depth | None:
    """How deep the release is reviewed and what is missing; None for one that fixes no problem."""
    problems = claimed_by(release)
    if not problems:
        return None
    risk = risk_class_of(release, problems)
    asked = policy_in_force().documents.get(risk.name, list(DOCUMENTS))
    documents = tuple(
        Document(name, DOCUMENTS[name], _missing(name, release, problems))
        for name in asked
        if name in DOCUMENTS
    )
    return Depth(risk, documents, tuple(problems))


def _missing(name: str, release: Release, problems: list[Problem]) -> str:
    if name in ("root_cause", "analysis"):
        causes = RootCause.objects.filter(problem__in=problems, state=RootCause.State.VALIDATED)
        rows = causes if name == "root_cause" else causes.exclude(analysis=[])
        there = set(rows.values_list("problem_id", flat=True))
        word = "root cause is not validated" if name == "root_cause" else "root cause shows no steps"
        return _without(problems, there, word)
    if name == "criteria":
        rows = SuccessCriterion.objects.filter(problem__in=problems, withdrawn_at__isnull=True)
        return _without(problems, set(rows.values_list("problem_id", flat=True)), "has no success criterion")
    if name == "signals":
        watched = {
            p.pk for p in problems if p.fingerprint or p.signals.filter(retired_at__isnull=True).exists()
        }
        return _without(problems, watched, "has neither fingerprint nor signal")
    if name == "rollback_plan":
        return "" if release.rollback_plan.strip() else "The release has no rollback plan."
    return _missing_in_change(name, change_of_release(release))


def _missing_in_change(name: str, change: ChangeRequest | None) -> str:
    if change is None:
        return "There is no change request."
    if name == "test_plan":
        return "" if change.test_plan.strip() else f"{change.key} has no test plan."
    if name == "signature":
        return "" if signed(change) else f"The problem manager has not signed {change.key}."
    approvals = change.votes.filter(revision=change.revision, choice__in=APPROVING).count()
    return "" if approvals >= 2 else f"{change.key} has {approvals} of 2 approvals."


def _without(problems: list[Problem], there: set, words: str) -> str:
    missing = [p.key for p in problems if p.pk not in there]
    return f"{', '.join(missing[:5])}: {words}." if missing else ""
