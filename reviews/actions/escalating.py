"""What stays open goes up: an action overdue for too long becomes a problem, harm that goes on an incident; a way of
failing that comes back goes to the architecture board, with its history."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from problems.actions.incidents import record_incident
from problems.actions.problems import create_problem
from problems.models import SEVERITIES, Incident, Problem
from releasetrain.audit.doorway import Actor, Field, Refusal, action, register_guard
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from reviews.models import ActionItem, ImprovementKind, ImprovementProposal, Review, ReviewCause
from reviews.queries.policies import for_trains
from reviews.queries.recurring import Mode, recurring_modes
from reviews.queries.subject import blamed, deployments_of
from reviews.rules.escalation import INCIDENT, PROBLEM, becomes
from reviews.rules.variance import WORSE
from reviews.states import ACTION_STATES

from .improvements import propose_by_rule

To = Annotated[str, Field("Becomes", choices=[("problem", "A problem"), ("incident", "An incident")])]
Severity = Annotated[int, Field("Severity", min=1, max=4, choices=SEVERITIES)]


@action(
    "action_item.escalate",
    on=ActionItem,
    requires="reviews.facilitate",
    machine=ACTION_STATES,
    label="Escalate",
)
def escalate_action(
    actor: Actor,
    item: ActionItem,
    *,
    to: To = PROBLEM,
    severity: Severity = 3,
    reason: Annotated[str, Field("Why now", long=True, max_length=2_000)] = "",
) -> ActionItem:
    """Make what was not done a problem, or an incident where it does harm now."""
    said = reason.strip() or f"{item.key} was due {item.due_on:%Y-%m-%d}."
    made = _raise(item.review, to, item.title, f"{said}\n\nSuccess: {item.success_criteria}", severity)
    item.escalated_kind, item.escalated_id = str(made._meta.model_name), str(made.pk)
    item.save()
    return item


@action("review.escalate", on=Review, requires="reviews.facilitate", label="Escalate what is unresolved")
def escalate_review(
    actor: Actor,
    review: Review,
    *,
    to: To,
    title: Annotated[str, Field("What is unresolved", max_length=200)],
    severity: Severity = 3,
    reason: Annotated[str, Field("Why", long=True, max_length=2_000)] = "",
) -> Review:
    """Make an unresolved issue of the review an incident or a problem."""
    if not title.strip():
        refuse("required", "Say what is unresolved.", field="title", status=422)
    if review.state == Review.State.CLOSED:
        refuse(
            "review.closed",
            f"{review.key} is closed.",
            remedy="Escalate one of its actions.",
            blocked_by=Ref.of(review),
        )
    made = _raise(review, to, title.strip(), reason.strip(), severity)
    review.escalated_kind, review.escalated_id = str(made._meta.model_name), str(made.pk)
    review.save()
    return review


def _raise(review: Review, to: str, title: str, why: str, severity: int) -> Problem | Incident:
    """The incident or problem, opened by rule for whoever escalates: that is no right over all problems."""
    system = Actor.system(review.organization_id, f"escalated from {review.key}", route="rule")
    if to == INCIDENT:
        incident: Incident = record_incident(
            system, title=title[:200], service=review.service, severity=severity, impact=why
        )
        return incident
    links = blamed(deployments_of(review))
    problem: Problem = create_problem(
        system,
        title=title[:200],
        service=review.service,
        severity=severity,
        description=f"From {review.key}. {why}".strip(),
        incidents=list(Incident.objects.filter(pk__in=links.values("incident_id"))),
    )
    return problem


def _once(actor: Actor, subject: Any, params: dict[str, Any]) -> Refusal | None:
    if subject is None or not subject.escalated_id:
        return None
    return Refusal(
        "review.escalated",
        f"{subject.key} is escalated already.",
        blocked_by=Ref(subject.escalated_kind, subject.escalated_id, f"the {subject.escalated_kind}"),
    )


register_guard("action_item.escalate", _once)
register_guard("review.escalate", _once)


# -- by rule


def escalate_due(system: Actor) -> int:
    """Escalate actions that are overdue for longer than the standard allows; returns how many."""
    today = now().date()
    rows = list(
        ActionItem.objects.filter(state=ActionItem.State.OPEN, due_on__lt=today, escalated_id="")
        .select_related("review__service")
        .order_by("due_on")
    )
    if not rows:
        return 0
    policies = for_trains({item.review.service.train_id for item in rows})
    count = 0
    for item in rows:
        found = policies[item.review.service.train_id]
        if not found.rows or item.due_on + timedelta(days=found.standard.escalate_days) >= today:
            continue
        worked_on = Incident.objects.filter(
            pk__in=blamed(deployments_of(item.review)).values("incident_id"),
            state__in=(Incident.State.DETECTED, Incident.State.MITIGATED),
        ).exists()
        worse = item.review.facts.filter(value__word=WORSE).exists()
        escalate_action(
            system,
            item,
            to=becomes(worse=worse, worked_on=worked_on),
            severity=2 if item.review.mandatory else 3,
        )
        count += 1
    return count


def refer_recurring(system: Actor) -> int:
    """Bring ways of failing that came back to the architecture board, each once; returns how many."""
    count = 0
    for mode in recurring_modes(now()):
        if _refer(system, mode):
            count += 1
    return count


def _refer(system: Actor, mode: Mode) -> bool:
    cause = mode.causes[-1]
    title = f"{cause.get_category_display()}: {mode.count} times at {mode.service}"[:100]
    asked = ImprovementProposal.objects.filter(
        kind=ImprovementKind.ARCHITECTURE,
        review__service=mode.service,
        cause__category=cause.category,
    )
    if asked.filter(state=ImprovementProposal.State.OPEN).exists():
        return False
    # What the board has answered is asked again only when it comes back as often once more.
    latest = asked.order_by("-created_at").first()
    if latest is not None:
        later = [c for c in mode.causes if c.created_at > latest.created_at]
        if len({c.review_id for c in later}) < mode.limit:
            return False
    change = {
        "title": title,
        "likelihood": min(5, mode.count),
        "impact": 4 if any(c.review.mandatory for c in mode.causes) else 3,
        "business_risk": f"It came back {mode.count} times in {mode.days} days.",
    }
    propose_by_rule(
        system, cause, kind=ImprovementKind.ARCHITECTURE, change=change, title=title, why=history(mode.causes)
    )
    return True


def history(causes: list[ReviewCause]) -> str:
    """Every time it happened, the first first."""
    return "\n".join(
        f"{cause.review.key}, {cause.created_at:%Y-%m-%d}: {cause.statement}"
        + (f" Shown by: {cause.evidence.sentence}" if cause.evidence else "")
        for cause in causes
    )
