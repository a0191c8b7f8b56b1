"""Verbs of review rules."""

from __future__ import annotations

from typing import Annotated

from problems.models import SEVERITIES
from releasetrain.audit.doorway import Actor, Field, Ref, action
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import Organization
from reviews.models import Depth, Outcome, ReviewRule
from reviews.rules.triggers import STANDARD, Conditions
from trains.models import TIERS, Classification

Tier = Annotated[
    int,
    Field("Down to tier", help="1 is the most critical; 4 means every tier.", min=1, max=4, choices=TIERS),
]


@action("review_rule.create", creates=ReviewRule, requires="reviews.facilitate")
def create_rule(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    depth: Annotated[Depth, Field("Depth")] = Depth.LIGHTWEIGHT,
    least_critical_tier: Tier = 4,
    outcomes: Annotated[list[Outcome], Field("Outcomes", help="None: every outcome.")] = [],  # noqa: B006 - read only
    classifications: Annotated[list[Classification], Field("Classifications", help="None: every one.")] = [],  # noqa: B006
    emergency_only: Annotated[bool, Field("Only emergency changes")] = False,
    severity: Annotated[
        int | None,
        Field("Incident of at least severity", help="Empty: any.", min=1, max=4, choices=SEVERITIES),
    ] = None,
    harm_minutes: Annotated[
        int | None,
        Field("Harm lasting minutes", help="Its incidents together. Empty: any.", min=1, max=100_000),
    ] = None,
    budget_percent: Annotated[
        int | None, Field("Error budget burnt, %", help="Since it began. Empty: any.", min=1, max=1_000)
    ] = None,
    mandatory: Annotated[bool, Field("Mandatory", help="The next gate of the service waits for it.")] = False,
    due_days: Annotated[int, Field("Due within days", min=1, max=365)] = 10,
    window_days: Annotated[
        int,
        Field(
            "Gather deployments for days",
            help="One review for what a service deploys in so many days.",
            min=0,
            max=90,
        ),
    ] = 0,
) -> ReviewRule:
    """Say after which production deployments a review opens by itself."""
    known = ReviewRule.objects.filter(name=name, retired_at__isnull=True).first()
    if known:
        refuse(
            "review_rule.name", f"There is a rule {name}.", blocked_by=Ref.of(known), field="name", status=409
        )
    return ReviewRule.objects.create(
        name=name,
        depth=depth,
        least_critical_tier=least_critical_tier,
        outcomes=[str(o) for o in outcomes],
        classifications=[str(c) for c in classifications],
        emergency_only=emergency_only,
        severity=severity,
        harm_minutes=harm_minutes,
        budget_percent=budget_percent,
        mandatory=mandatory,
        due_days=due_days,
        window_days=window_days,
    )


@action(
    "review_rule.create_standard",
    on=Organization,
    requires="reviews.facilitate",
    label="Add the standard review rules",
)
def create_standard_rules(actor: Actor, organization: Organization) -> Organization:
    """Add the rules that most organizations start with; those that exist by name stay as they are."""
    there = set(ReviewRule.objects.filter(retired_at__isnull=True).values_list("name", flat=True))
    for name, rule, window_days in STANDARD:
        if name not in there:
            create_rule(
                actor,
                name=name,
                depth=Depth(rule.depth),
                least_critical_tier=rule.least_critical_tier,
                outcomes=[Outcome(o) for o in sorted(rule.outcomes)],
                classifications=[Classification(c) for c in sorted(rule.classifications)],
                emergency_only=rule.emergency_only,
                budget_percent=rule.budget_percent,
                mandatory=rule.mandatory,
                due_days=rule.due_days,
                window_days=window_days,
            )
    return organization


@action("review_rule.retire", on=ReviewRule, requires="reviews.facilitate")
def retire_rule(actor: Actor, rule: ReviewRule) -> ReviewRule:
    """Let the rule open no further reviews."""
    if rule.retired_at:
        refuse("review_rule.retired", f"{rule} is retired already.", blocked_by=Ref.of(rule))
    rule.retired_at = now()
    rule.save()
    return rule


def conditions_of(rule: ReviewRule) -> Conditions:
    return Conditions(
        id=rule.pk,
        depth=rule.depth,
        least_critical_tier=rule.least_critical_tier,
        outcomes=frozenset(rule.outcomes),
        classifications=frozenset(rule.classifications),
        emergency_only=rule.emergency_only,
        severity=rule.severity,
        harm_minutes=rule.harm_minutes,
        budget_percent=rule.budget_percent,
        mandatory=rule.mandatory,
        due_days=rule.due_days,
    )
