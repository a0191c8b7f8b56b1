"""The faces of deployment plans and their steps."""

from __future__ import annotations

from releasetrain.interface import navigation
from releasetrain.interface.resources import Resource, register
from trains.models import DeploymentPlan, PlanStep
from trains.pages import deployment_plans as pages

register(
    Resource(
        DeploymentPlan,
        plural="deployment-plans",
        section="deployment-plans",
        icon="branch",
        columns=("key", "title", "train", "release", "state", "owner", "starts_at", "started_at"),
        filters=("train", "release", "state"),
        search=("key", "title"),
        order=("-created_at",),
        select=("train", "release", "owner"),
        description="Plan in which order the services of several teams are brought out.",
        template="trains/deployment_plan.html",
        context=pages.plan_page,
    )
)
register(
    Resource(
        PlanStep,
        plural="plan-steps",
        section="deployment-plans",
        icon="play",
        columns=("number", "title", "kind", "plan", "service", "environment", "team", "state", "held_by"),
        filters=("plan", "kind", "state", "service", "environment", "team"),
        search=("title", "plan__key"),
        order=("-plan__created_at", "number", "id"),
        hidden=("token_digest",),
        select=("plan__train", "service", "environment", "team"),
        rows=lambda actor: PlanStep.objects.filter(removed_at__isnull=True),
        part_of=lambda step: step.plan,
        description="Deployment plans hold them.",
    )
)
navigation.register(
    navigation.Place(
        "deployment-plans", "Plans", "branch", "deployment-plans/", 111, "Release", "Deployment plans"
    )
)
