"""Predicted against actual impact: finished changes with the risk they were given, and how they went."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.models import ApprovalPolicy, ChangeRequest
from governance.queries.risk import policy_in_force, questionnaire
from problems.models import FailureLink
from reviews.models import Review
from reviews.rules.calibration import Calibration, Change, calibrate
from reviews.rules.risk_bands import Learned, learn

MOST = 5_000


def finished(*, since: datetime | None = None, train: Any = None) -> list[Change]:
    """Changes with an outcome in the order of time. One whose release caused an accepted incident failed, whatever was said."""
    rows = ChangeRequest.objects.exclude(outcome="")
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if train is not None:
        rows = rows.filter(release__train=train)
    harmful = set(
        FailureLink.objects.filter(
            kind=FailureLink.Kind.CAUSED,
            status=FailureLink.Status.ACCEPTED,
            deployment__release__in=rows.values("release_id"),
        ).values_list("deployment__release_id", flat=True)
    )
    found = rows.order_by("-created_at", "-id").values_list(
        "pk", "risk", "outcome", "release_id", "assessment"
    )[:MOST]
    return [
        Change(
            pk,
            risk,
            outcome != ChangeRequest.Outcome.SUCCESSFUL or release in harmful,
            assessment.get("percent") if isinstance(assessment, dict) else None,
        )
        for pk, risk, outcome, release, assessment in reversed(list(found))
    ]


def judged() -> tuple[Calibration, Learned]:
    """How well risk was predicted, and what that says about the bands in force."""
    changes = finished()
    return calibrate(changes), learn(changes, questionnaire(policy_in_force())[1])


def learned_bands(policy: ApprovalPolicy) -> Learned:
    """What the finished changes say about the bands of the policy."""
    return learn(finished(), policy.bands)


def predicted_of(review: Review) -> list[dict[str, Any]]:
    """The changes under review: what was predicted, what changes of that risk came to before, what came."""
    if review.release_id is None:
        return []
    changes = list(ChangeRequest.objects.filter(release=review.release_id).order_by("created_at"))
    if not changes:
        return []
    own = {change.pk for change in changes}
    before = [c for c in finished() if c.id not in own]
    found = []
    for change in changes:
        alike = [c for c in before if c.risk == change.risk]
        failed = sum(c.failed for c in alike)
        found.append(
            {
                "change": change,
                "percent": change.assessment.get("percent") if change.assessment else None,
                "alike": len(alike),
                "failed": failed,
                "predicted": (failed + 1) / (len(alike) + 2),
            }
        )
    return found


def as_data(found: Calibration, learned: Learned) -> dict[str, Any]:
    """The calibration as plain data, with what it says about the bands."""

    def bins(rows: Any) -> list[dict[str, Any]]:
        return [
            {
                "label": b.label,
                "changes": b.n,
                "failed": b.failures,
                "predicted": round(b.predicted, 4),
                "observed": round(b.observed, 4),
                "interval": [round(x, 4) for x in b.interval],
                "outside": b.off,
            }
            for b in rows
        ]

    return {
        "changes": found.n,
        "failed": found.failures,
        "few": found.few,
        "brier_score": round(found.brier, 6) if found.brier is not None else None,
        "brier_score_of_base_rate": round(found.reference, 6) if found.reference is not None else None,
        "skill": round(found.skill, 6) if found.skill is not None else None,
        "by_risk": bins(found.classes),
        "by_score": bins(found.scores),
        "disorder": found.disorder,
        "bands": {
            "scored": learned.scored,
            "better": learned.better,
            "sentence": learned.sentence,
            "brier_score": round(learned.score, 6) if learned.score is not None else None,
            "brier_score_in_force": round(learned.score_in_force, 6)
            if learned.score_in_force is not None
            else None,
            "gain": [round(x, 6) for x in learned.gain] if learned.gain else None,
        },
    }
