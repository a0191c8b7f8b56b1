"""The faces of onboarding and pipelines."""

from __future__ import annotations

from django.db.models import QuerySet

from releasetrain.interface.resources import Filter, Resource, register
from trains.models import (
    ChecklistTemplate,
    OnboardingItem,
    Pipeline,
    Stage,
    StageEvent,
    TeamOnboarding,
    TemplateItem,
)
from trains.pages.onboarding import checklist
from trains.pages.value_stream import pipeline_page


def _open(rows: QuerySet[OnboardingItem], value: str) -> QuerySet[OnboardingItem]:
    return rows.filter(done_at__isnull=value == "yes")


YES_NO = (("yes", "Yes"), ("no", "No"))

register(
    Resource(
        ChecklistTemplate,
        plural="checklist-templates",
        section="trains",
        icon="list",
        columns=("name", "train", "failure_modes", "retired_at"),
        filters=("train",),
        search=("name",),
        order=("name",),
        description="Write down what a team has to settle when it joins a train.",
    )
)
register(
    Resource(
        TemplateItem,
        plural="template-items",
        section="trains",
        columns=("text", "topic", "mandatory", "template", "position"),
        filters=("template", "topic", "mandatory"),
        search=("text",),
        order=("template__name", "position"),
        select=("template",),
    )
)
register(
    Resource(
        TeamOnboarding,
        plural="onboardings",
        section="trains",
        icon="users",
        columns=("team", "train", "template", "joined_at", "ended_at"),
        filters=("team", "train", "template"),
        order=("-joined_at", "-id"),
        template="trains/onboarding.html",
        context=checklist,
        select=("team", "train", "template"),
    )
)
register(
    Resource(
        OnboardingItem,
        plural="onboarding-items",
        section="trains",
        columns=("text", "topic", "mandatory", "onboarding", "source", "done_at", "done_by"),
        filters=(
            "onboarding",
            "topic",
            "mandatory",
            Filter("open", "Open", _open, YES_NO),
        ),
        search=("text", "evidence", "source"),
        order=("-created_at", "position"),
        select=("onboarding__team", "onboarding__train"),
    )
)
register(
    Resource(
        Pipeline,
        plural="pipelines",
        section="trains",
        icon="branch",
        columns=("service", "name"),
        filters=("service",),
        search=("name", "service__name"),
        order=("service__name", "name"),
        template="trains/pipeline.html",
        context=pipeline_page,
        select=("service",),
        description="Map the way a service's changes take, and post its events to see where they wait.",
    )
)
register(
    Resource(
        Stage,
        plural="stages",
        section="trains",
        columns=("name", "pipeline", "position", "team", "retired_at"),
        filters=("pipeline", "team"),
        search=("name",),
        order=("pipeline__service__name", "position"),
        select=("pipeline__service",),
    )
)
register(
    Resource(
        StageEvent,
        plural="stage-events",
        section="trains",
        columns=("run", "stage", "kind", "at"),
        filters=("stage", "kind"),
        search=("run",),
        order=("-at", "-id"),
        select=("stage",),
    )
)
