"""The risk of a change, as its answers and the past of similar ones say it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from governance.models import ApprovalPolicy, ChangeRequest
from governance.rules import risk as rules
from releasetrain.interface import links
from trains.models import ReleaseMember, Service

# How many of the latest similar changes are counted.
LATEST = 200


def policy_in_force() -> ApprovalPolicy | None:
    """The newest published version."""
    return ApprovalPolicy.objects.order_by("-number").first()


def questionnaire(policy: ApprovalPolicy | None) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """(questions, bands) in force; the standard ones where nothing is published."""
    if policy is None:
        return rules.STANDARD_QUESTIONS, rules.STANDARD_BANDS
    return policy.questions, policy.bands


def similar(change: ChangeRequest) -> tuple[QuerySet[ChangeRequest], str]:
    """(finished changes like this one, in what they are alike): of its model, or of its type and service or train."""
    rows = ChangeRequest.objects.exclude(outcome="").exclude(pk=change.pk)
    if change.model_id:
        return rows.filter(model_id=change.model_id), f"of the model {change.model}"
    kind = change.get_type_display().lower()
    rows = rows.filter(type=change.type)
    if change.service_id:
        return rows.filter(service_id=change.service_id), f"{kind} changes of {change.service}"
    if change.release is not None:
        train = change.release.train
        return rows.filter(release__train_id=train.pk), f"{kind} changes of {train}"
    return rows.none(), "like this one"


def past_of(change: ChangeRequest) -> tuple[rules.Past, str]:
    """How similar changes went, and in what they are similar."""
    rows, alike = similar(change)
    outcomes = list(rows.order_by("-created_at").values_list("outcome", flat=True)[:LATEST])
    return rules.Past(len(outcomes), sum(o != ChangeRequest.Outcome.SUCCESSFUL for o in outcomes)), alike


def similar_url(change: ChangeRequest) -> str:
    """The list that holds the similar changes."""
    rows = f"{links.page_root()}changes/?type={change.type}"
    if change.model_id:
        return f"{links.page_root()}changes/?model={change.model_id}"
    if change.service_id:
        return f"{rows}&service={change.service_id}"
    return rows


def assess(change: ChangeRequest) -> dict[str, Any]:
    """Both ways of telling the risk with their reasons, and what they come to with what was raised by hand."""
    policy = policy_in_force()
    questions, bands = questionnaire(policy)
    score = rules.score(questions, bands, change.risk_answers)
    past, alike = past_of(change)
    interval = past.interval
    computed = rules.worst(score.risk, past.risk)
    return {
        "policy": policy.number if policy else 0,
        "answers": [_answered(q, change.risk_answers) for q in questions],
        "points": score.points,
        "most": score.most,
        "percent": score.percent,
        "bands": bands,
        "by_answers": score.risk,
        "unanswered": list(score.unanswered),
        "past": {
            "alike": alike,
            "n": past.n,
            "failures": past.failures,
            "low": round(interval[0], 4) if interval else None,
            "high": round(interval[1], 4) if interval else None,
            "sentence": past.sentence,
        },
        "by_past": past.risk,
        "computed": computed,
        "risk": rules.worst(computed, change.risk_raised),
    }


def _answered(question: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    given = next((a for a in question["answers"] if a["value"] == answers.get(question["key"])), None)
    worst = max(a["points"] for a in question["answers"])
    return {
        "key": question["key"],
        "text": question["text"],
        "answer": given["label"] if given else "Not answered: counts as the worst",
        "points": question["weight"] * (given["points"] if given else worst),
        "most": question["weight"] * worst,
    }


def services_of(change: ChangeRequest) -> list[Service]:
    """The services a change is about: its own, and those its release deploys."""
    found = {change.service_id: change.service} if change.service is not None else {}
    if change.release is not None:
        carried = change.release.artifacts.select_related("service")
        said = ReleaseMember.objects.filter(release=change.release, removed_at__isnull=True)
        for row in (*carried, *said.select_related("service")):
            found[row.service_id] = row.service
    return sorted(found.values(), key=lambda s: (s.tier, s.name))
