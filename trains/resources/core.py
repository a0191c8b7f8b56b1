"""The faces of trains: lists, pages and API endpoints of each kind of object."""

from __future__ import annotations

from releasetrain.interface.resources import Related, Resource, register
from trains.models import (
    Artifact,
    Commit,
    Deployment,
    DeploymentCommit,
    Environment,
    Freeze,
    ImportRun,
    Iteration,
    Milestone,
    ProgramIncrement,
    Release,
    ReleaseArtifact,
    ScopeItem,
    Service,
    Team,
    Train,
    TrainDependency,
)
from trains.pages.calendar_objects import conflict_page
from trains.pages.cockpit import cockpit
from trains.pages.on_call import deployment_page
from trains.pages.overview import overview
from trains.pages.service import service_page
from trains.queries.drift import deployed_baseline

register(
    Resource(
        Train,
        plural="trains",
        section="trains",
        icon="train",
        columns=("key", "name", "time_zone", "pi_weeks", "iteration_weeks"),
        search=("key", "name"),
        order=("key",),
        template="trains/train.html",
        context=overview,
    )
)
register(
    Resource(
        Team,
        plural="teams",
        section="trains",
        icon="users",
        columns=("code", "name", "train", "people", "time_zone"),
        filters=("train",),
        search=("code", "name"),
        order=("code",),
        lookup="code",
    )
)
register(
    Resource(
        Service,
        plural="services",
        section="trains",
        icon="server",
        columns=("name", "train", "team", "tier", "regulated"),
        filters=("train", "team", "tier", "regulated"),
        search=("name", "repository", "description"),
        order=("name",),
        lookup="name",
        template="trains/service.html",
        context=service_page,
    )
)
register(
    Resource(
        Environment,
        plural="environments",
        section="trains",
        icon="plug",
        columns=("name", "kind", "train", "rank"),
        filters=("kind", "train"),
        search=("name",),
        order=("rank", "name"),
        lookup="name",
    )
)
register(
    Resource(
        ProgramIncrement,
        plural="increments",
        section="trains",
        icon="board",
        columns=("name", "train", "starts", "ends", "state"),
        filters=("train", "state"),
        search=("name",),
        order=("-starts", "name"),
    )
)
register(
    Resource(
        Iteration,
        plural="iterations",
        section="trains",
        columns=("name", "pi", "starts", "ends", "innovation"),
        filters=("pi",),
        search=("name",),
        order=("starts", "number"),
    )
)
register(
    Resource(
        Milestone,
        plural="milestones",
        section="calendar",
        icon="milestone",
        columns=("name", "train", "on", "kind", "pi"),
        filters=("train", "kind"),
        search=("name",),
        order=("on", "name"),
    )
)
register(
    Resource(
        Freeze,
        plural="freezes",
        section="calendar",
        icon="lock",
        columns=("name", "starts", "ends", "train", "environment", "service", "cancelled_at"),
        filters=("train", "environment"),
        search=("name", "reason"),
        order=("-starts", "name"),
        template="trains/calendar_object.html",
        context=conflict_page,
    )
)
register(
    Resource(
        Release,
        plural="releases",
        section="releases",
        icon="rocket",
        columns=("key", "version", "name", "train", "state", "classification", "tier", "target_at"),
        filters=("train", "state", "classification", "tier"),
        search=("key", "version", "name"),
        order=("-target_at", "key"),
        template="trains/release.html",
        context=cockpit,
    )
)
register(
    Resource(
        ScopeItem,
        plural="scope-items",
        section="releases",
        columns=(
            "title",
            "source_key",
            "release",
            "classification",
            "tier",
            "canary",
            "after_freeze",
            "removed_at",
        ),
        filters=("release", "classification", "canary", "after_freeze"),
        search=("title", "source_key"),
        order=("created_at", "id"),
    )
)
register(
    Resource(
        ReleaseArtifact,
        plural="release-artifacts",
        section="releases",
        columns=("service", "artifact", "release"),
        filters=("release", "service"),
        order=("created_at", "id"),
        select=("artifact__service",),
    )
)
register(
    Resource(
        Artifact,
        plural="artifacts",
        section="releases",
        icon="tag",
        columns=("service", "version", "digest", "commit", "built_at"),
        filters=("service",),
        search=("version", "digest", "commit"),
        order=("-created_at", "id"),
        lookup="digest",
    )
)
register(
    Resource(
        Deployment,
        plural="deployments",
        section="releases",
        icon="rocket",
        columns=(
            "service",
            "version",
            "environment",
            "kind",
            "state",
            "started_at",
            "finished_at",
            "release",
        ),
        filters=("service", "environment", "state", "kind", "release"),
        search=("version", "commit", "external_id"),
        order=("-started_at", "-id"),
        hidden=("outcome",),
        select=(
            "artifact__service",
            "restores__service",
            "restores__environment",
            "rolls_back__service",
            "rolls_back__environment",
        ),
        template="trains/deployment.html",
        related=(Related("Baseline", deployed_baseline),),
        context=deployment_page,
    )
)
register(
    Resource(
        Commit,
        plural="commits",
        section="releases",
        columns=("sha", "title", "service", "author_name", "authored_at", "merged_at"),
        filters=("service",),
        search=("sha", "title", "author_name"),
        order=("-authored_at", "-id"),
    )
)
register(
    Resource(
        DeploymentCommit,
        plural="deployment-commits",
        section="releases",
        columns=("deployment", "commit"),
        order=("-created_at", "-id"),
        select=("deployment__service", "deployment__environment"),
    )
)
register(
    Resource(
        TrainDependency,
        plural="train-dependencies",
        section="trains",
        icon="link",
        columns=(
            "what",
            "provider",
            "consumer",
            "needed_by",
            "state",
            "provider_owner",
            "consumer_owner",
            "release",
        ),
        filters=("provider", "consumer", "state"),
        search=("what",),
        order=("needed_by", "id"),
    )
)
register(
    Resource(
        ImportRun,
        plural="import-runs",
        section="settings",
        columns=("kind", "source_name", "rows", "created", "updated", "unchanged", "started_at"),
        filters=("kind",),
        search=("source_name", "digest"),
        order=("-started_at", "-id"),
    )
)
