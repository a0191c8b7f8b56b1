"""What the approval policy knows of a change, and where it sends it."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from governance.models import ApprovalPolicy, ChangeModel, ChangeRequest, Evaluation, Gate, Verdict
from governance.rules.policies import Facts, Route, route
from governance.rules.standing import WINDOW, Standing, standing
from governance.rules.verdicts import combine
from trains.models import Artifact, Classification, Environment, Service
from trains.queries.deployments import production_environments
from trains.queries.freezes import freezes_overlapping

from . import verdicts
from .risk import past_of, services_of
from .subjects import Subject, gates_before, subject_of

# What a gate says of the approval itself, and of a window that has not come yet, is not asked before the approval.
AFTERWARDS = frozenset({"approvals", "change-window"})
FIXES = (Classification.PROBLEM_FIX, Classification.HOTFIX)


def gate_of(change: ChangeRequest, kinds: list[str] | None = None) -> tuple[Evaluation | None, str, str]:
    """(the evaluation that counts, its verdict without what comes after the approval, why).

    With `kinds`, only checks of these kinds are asked for, and each of them must be there.
    """
    subject = subject_under_gates(change)
    gates = gates_over(change, subject) if subject else []
    if subject is None or not gates:
        return None, "none", "no gate looks at it"
    found = [(gate, verdicts.latest(gate, subject)) for gate in gates]
    first = next((e for _, e in found if e is not None), None)
    checks: list[dict[str, Any]] = []
    for gate, evaluation in found:
        if evaluation is None:
            return first, Verdict.PENDING.value, f"{gate.key} has not been asked about it"
        if not verdicts.stands(evaluation):
            return first, Verdict.PENDING.value, f"{evaluation.key} is out of date"
        checks += [c for c in evaluation.checks if c["kind"] not in AFTERWARDS]
    keys = ", ".join(e.key for _, e in found if e is not None)
    if kinds:
        checks = [c for c in checks if c["kind"] in kinds]
        missing = sorted(set(kinds) - {c["kind"] for c in checks})
        if missing:
            return first, Verdict.PENDING.value, f"{keys} has no check {', '.join(missing)}"
    if not checks:
        return first, "none", f"{keys} checks nothing but the approval itself"
    held = [c["name"] for c in checks if c["verdict"] not in ("pass", "waived")]
    word = combine(str(c["verdict"]) for c in checks)
    about = f"{', '.join(held)} {word}" if held else "every check that comes before the approval passes"
    return first, word, f"{keys}: {about}"


def subject_under_gates(change: ChangeRequest) -> Subject | None:
    """What the gates look at: the release, or the newest build of the service."""
    if change.release is not None:
        return subject_of(change.release, None)
    if change.service is None:
        return None
    artifact = Artifact.objects.filter(service=change.service).order_by("-created_at").first()
    return subject_of(None, artifact) if artifact else None


def gates_over(change: ChangeRequest, subject: Subject) -> list[Gate]:
    """The binding gates before production that it meets."""
    train = change.release.train if change.release else change.service.train if change.service else None
    return [
        gate
        for place in production_environments(train)
        for gate in gates_before(place, subject)
        if gate.mode == Gate.Mode.ACTIVE
    ]


def facts_of(change: ChangeRequest, *, collides: bool | None = None) -> Facts:
    """Everything a rule may ask about this change, as it is now."""
    services = services_of(change)
    past, _ = past_of(change)
    interval = past.interval
    _, verdict, _ = gate_of(change)
    tiers = [s.tier for s in services] + ([change.release.tier] if change.release else [])
    return Facts(
        type=change.type,
        risk=change.risk if change.assessed_at else None,
        tier=min(tiers, default=None),
        impact=change.risk_answers.get("impact"),
        environment=_environment(change),
        freeze=_in_freeze(change, services),
        failures=past.failures,
        failure_bound=math.ceil(100 * interval[1]) if interval else None,
        collisions=collides if collides is not None else bool(change.collisions),
        regulated=any(s.regulated for s in services),
        problem_fix=fixes_problem(change),
        pre_approved=is_pre_approved(change),
        gate=verdict,
    )


def _environment(change: ChangeRequest) -> str | None:
    if change.environment is not None:
        return str(change.environment.kind)
    return Environment.Kind.PRODUCTION.value if change.release_id else None


def _in_freeze(change: ChangeRequest, services: list[Service]) -> bool | None:
    if change.window_starts is None or change.window_ends is None:
        return None
    train = change.release.train if change.release else change.service.train if change.service else None
    mine = {s.pk for s in services}
    found = freezes_overlapping(change.window_starts, change.window_ends, train)
    return any(f.service_id is None or f.service_id in mine for f in found)


def fixes_problem(change: ChangeRequest) -> bool:
    """Whether it carries a fix of a problem or of an incident."""
    release = change.release
    if release is None:
        return False
    if release.classification in FIXES:
        return True
    return bool(release.items.filter(removed_at__isnull=True, classification__in=FIXES).exists())


def is_pre_approved(change: ChangeRequest) -> bool:
    """Of a pre-approved model, at its present version, with its plans kept to and its checks passing."""
    return not why_not_pre_approved(change)


def why_not_pre_approved(change: ChangeRequest) -> str:
    """Why the model of a change does not spare it the board; empty where it does."""
    model = change.model
    if model is None:
        return "It follows no change model."
    if not model.is_pre_approved:
        return f"{model} is not pre-approved: {model.get_state_display().lower()}."
    if change.model_version != model.version:
        return f"{model} has changed since the request was written."
    if model.service_id and model.service_id != change.service_id:
        return f"{model} is for {model.service}."
    if change.type != model.type:
        return f"{model} is for {model.get_type_display().lower()} changes."
    kept = all(
        getattr(change, name).strip() == getattr(model, name).strip()
        for name in ("implementation_plan", "test_plan", "backout_plan")
    )
    if not kept:
        return f"Its plans differ from those of {model}."
    if change.risk == ChangeRequest.Risk.HIGH:
        return "Its risk is high."
    if model.checks:
        _, verdict, why = gate_of(change, model.checks)
        if verdict != Verdict.PASS:
            return f"{model} asks for checks that must pass: {why}."
    return ""


def route_of(
    change: ChangeRequest, policy: ApprovalPolicy | None, *, collides: bool | None = None
) -> tuple[Route, Facts]:
    """Where the policy sends a change, and the facts it looked at."""
    facts = facts_of(change, collides=collides)
    return route(policy.rules if policy else [], facts), facts


def said(facts: Facts) -> dict[str, Any]:
    """The facts as kept with a decision."""
    return asdict(facts)


def standing_of(model: ChangeModel) -> Standing:
    """The record of a model: how its last finished runs went, since the record began anew."""
    rows = ChangeRequest.objects.filter(model=model).exclude(outcome="")
    if model.record_since:
        rows = rows.filter(completed_at__gte=model.record_since)
    outcomes = list(rows.order_by("-completed_at", "-id").values_list("outcome", flat=True)[:WINDOW])
    failed = [o != ChangeRequest.Outcome.SUCCESSFUL for o in reversed(outcomes)]
    return standing(failed, float(model.threshold), float(model.proof))
