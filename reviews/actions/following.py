"""How reviews follow deployments and incidents: opened by rule, brought up to date, made stricter."""

from __future__ import annotations

from typing import Any

from problems.models import FailureLink, Incident
from releasetrain.audit.subscriptions import subscribe
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from reviews.models import Review, ReviewFact, ReviewRule
from reviews.ports import budget_burnt
from reviews.queries.subject import caused_incident
from reviews.rules.triggers import Happened, outcome_of, strictest, strictness
from trains.models import Deployment
from trains.queries.deployments import without_trials

from .facts import fill_in
from .reviews import open_by_rule, tighten
from .rules import conditions_of

_WORDS = {
    "succeeded": "went live",
    "failed": "failed",
    "rolled_back": "was rolled back",
    "incident": "caused an incident",
}


@subscribe(
    "deployment.record",
    "deployment.finish",
    "deployment.roll_back",
    "incident.record",
    "incident.edit",
    "incident.mitigate",
    "incident.resolve",
    "incident.link_deployment",
    "failure_link.accept",
    "failure_link.dispute",
    name="reviews.open",
    sift=without_trials,
)
def open_reviews(entry: Any) -> None:
    """Open the review that a deployment asks for, or bring an open one up to date. Repeating it changes nothing."""
    system = Actor.system(entry.organization_id, f"follows {entry.verb}")
    for deployment in _concerned(entry.subject_kind, entry.subject_id):
        follow(system, deployment)


def _concerned(kind: str, subject_id: str) -> list[Deployment]:
    """The production deployments that the entry says something about."""
    rows = Deployment.objects.select_related("service", "environment", "release")
    if kind == "deployment":
        said = rows.filter(pk=subject_id).first()
        # A rollback is reviewed with what it undid.
        found = [said, said.rolls_back] if said is not None else []
        found = [d for d in found if d is not None and d.kind != Deployment.Kind.ROLLBACK]
    elif kind == "incident":
        links = FailureLink.objects.filter(incident=Incident.objects.filter(pk=subject_id).first())
        found = list(rows.filter(pk__in=links.values("deployment_id")))
    elif kind == "failurelink":
        found = list(rows.filter(failure_links__pk=subject_id))
    else:
        found = []
    return [d for d in found if d is not None and d.environment.is_production]


def follow(system: Actor, deployment: Deployment) -> Review | None:
    """Open, tighten or refresh the review of a deployment by the strictest rule that fits it."""
    review = _open_one(deployment)
    happened = _happened(deployment)
    rule = _rule(happened) if happened else None
    if rule is not None and happened is not None:
        trigger = f"{deployment} {_WORDS[happened.outcome]}."
        if review is None and not _reviewed(deployment, happened):
            return open_by_rule(system, rule=rule, deployment=deployment, trigger=trigger)
        if review is not None and _stricter(rule, review):
            review = tighten(system, review, rule=rule, trigger=trigger)
    if review is not None and review.state == Review.State.FACTS:
        fill_in(review)
    return review


def _open_one(deployment: Deployment) -> Review | None:
    """The open review that the deployment belongs to: its release's, its own, or one that gathers its service's."""
    rows = Review.objects.exclude(state=Review.State.CLOSED).select_related("opened_by_rule", "service")
    if deployment.release_id:
        return rows.filter(release=deployment.release_id).first()
    gathering = rows.filter(
        service=deployment.service_id,
        release__isnull=True,
        deployment__started_at__lte=deployment.started_at,
        gathers_until__gt=deployment.started_at,
    )
    return rows.filter(deployment=deployment).first() or gathering.first()


def _reviewed(deployment: Deployment, happened: Happened) -> bool:
    """Whether a closed review has already dealt with it; something worse that came later asks for another one."""
    facts = ReviewFact.objects.filter(
        identity=f"deployment:{deployment.pk}", review__state=Review.State.CLOSED
    )
    if Review.objects.filter(deployment=deployment).exists():
        return True
    if happened.outcome != "incident":
        return facts.filter(value__state=deployment.state).exists()
    incidents = deployment.failure_links.filter(kind=FailureLink.Kind.CAUSED).values_list(
        "incident_id", flat=True
    )
    known = {f"incident:{pk}" for pk in incidents}
    seen = ReviewFact.objects.filter(identity__in=known, review__in=facts.values("review_id"))
    return seen.values("identity").distinct().count() == len(known)


def _happened(deployment: Deployment) -> Happened | None:
    outcome = outcome_of(deployment.state, caused_incident(deployment))
    if outcome is None:
        return None
    release = deployment.release
    return Happened(
        outcome=outcome,
        tier=min(deployment.service.tier, release.tier) if release else deployment.service.tier,
        classification=release.classification if release else "",
        emergency=deployment.emergency,
        **_impact(deployment),
    )


def _impact(deployment: Deployment) -> dict[str, Any]:
    """What it came to: the worst incident, the minutes of all together, and the budget burnt since it began."""
    incidents = [
        link.incident
        for link in deployment.failure_links.filter(kind=FailureLink.Kind.CAUSED)
        .exclude(status=FailureLink.Status.DISPUTED)
        .select_related("incident")
    ]
    at = now()
    minutes = sum(((i.resolved_at or at) - i.began_at).total_seconds() for i in incidents) / 60
    return {
        "severity": min((i.severity for i in incidents), default=None),
        "harm_minutes": round(minutes) if incidents else None,
        "budget_percent": budget_burnt(deployment.service, deployment.started_at, at),
    }


def _rule(happened: Happened) -> ReviewRule | None:
    rules = {rule.pk: rule for rule in ReviewRule.objects.filter(retired_at__isnull=True)}
    found = strictest([conditions_of(rule) for rule in rules.values()], happened)
    return rules[found.id] if found else None


def _stricter(rule: ReviewRule, review: Review) -> bool:
    if review.opened_by_rule_id == rule.pk:
        return False
    present = review.opened_by_rule
    return present is None or strictness(conditions_of(rule)) < strictness(conditions_of(present))


def budget_was_burnt(system: Actor, service: Any) -> Review | None:
    """Look again at the latest production deployment of a service whose error budget burns: for whoever watches it."""
    deployment = (
        Deployment.objects.filter(service=service, environment__kind="production")
        .exclude(kind=Deployment.Kind.ROLLBACK)
        .select_related("service", "environment", "release")
        .order_by("-started_at", "-id")
        .first()
    )
    return follow(system, deployment) if deployment is not None else None
