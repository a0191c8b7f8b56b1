"""The faces of delivery: rollouts, rollback plans, feature flags, failure drills and the alerts that were reported."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet

from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register
from releasetrain.kernel.clock import now
from trains.models import (
    FailureDrill,
    FeatureFlag,
    ObservedAlert,
    RollbackPlan,
    Rollout,
    RolloutCommand,
    StagedPath,
)
from trains.pages import delivery as pages
from trains.pages.canaries import path_page


def _flags(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    if value == "removed":
        return rows.filter(removed_at__isnull=False)
    rows = rows.filter(removed_at__isnull=True)
    if value == "unowned":
        return rows.filter(owner__isnull=True, team__isnull=True)
    return rows.filter(remove_by__lt=now().date()) if value == "overdue" else rows


def _recent(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    if value == "firing":
        return rows.filter(ends_at__isnull=True)
    return rows.filter(Q(starts_at__gte=now() - timedelta(days=1))) if value == "day" else rows


register(
    Resource(
        Rollout,
        plural="rollouts",
        section="releases",
        icon="rocket",
        columns=(
            "key",
            "service",
            "version",
            "environment",
            "release",
            "state",
            "step",
            "weight",
            "started_at",
        ),
        filters=("service", "environment", "release", "state"),
        search=("key", "version", "service__name"),
        order=("-created_at",),
        select=("service", "environment", "release"),
        description="Plan to bring a version into production step by step, compared at each.",
        template="trains/rollout.html",
        context=pages.rollout_page,
        facts=(
            "service",
            "environment",
            "release",
            "version",
            "artifact",
            "deployment",
            "baseline_version",
            "path",
            "config",
            "auto_advance",
            "auto_roll_back",
            "started_at",
            "finished_at",
        ),
    )
)
register(
    Resource(
        RolloutCommand,
        plural="rollout-commands",
        section="releases",
        icon="play",
        columns=("rollout", "number", "act", "weight", "state", "issued_at", "answered_at", "answered_by"),
        filters=("rollout", "state"),
        order=("-issued_at",),
        select=("rollout__service", "rollout__environment"),
        part_of=lambda command: command.rollout,
        description="Rollouts send them to the platform.",
    )
)
register(
    Resource(
        StagedPath,
        plural="staged-paths",
        section="releases",
        icon="branch",
        columns=("name", "service", "config", "auto_advance", "authorised_by", "retired_at"),
        filters=("service",),
        search=("name",),
        order=("name",),
        select=("service", "config", "authorised_by"),
        facts=(
            "service",
            "config",
            "auto_advance",
            "confirm_minutes",
            "authorised_by",
            "authorised_at",
            "retired_at",
        ),
        template="trains/staged_path.html",
        context=path_page,
        description="Lay out in which steps traffic moves to a new version, and what judges each.",
    )
)
register(
    Resource(
        RollbackPlan,
        plural="rollback-plans",
        section="releases",
        icon="undo",
        columns=("key", "title", "release", "environment", "state", "authorised_at", "time_to_restore"),
        filters=("release", "environment", "state"),
        search=("key", "title"),
        order=("-created_at",),
        computed=("time_to_restore",),
        select=("release", "environment"),
        description="Plan how the services of a release are taken back together, before it has to be done.",
        template="trains/rollback_plan.html",
        context=pages.plan_page,
    )
)
register(
    Resource(
        FeatureFlag,
        plural="feature-flags",
        section="releases",
        icon="tag",
        columns=("name", "service", "purpose", "standing", "owner", "team", "release", "remove_by"),
        filters=(
            Filter(
                "show",
                "Show",
                _flags,
                (
                    ("current", "Current"),
                    ("overdue", "Removal overdue"),
                    ("unowned", "Nobody owns"),
                    ("removed", "Removed"),
                ),
            ),
            "service",
            "release",
            "purpose",
        ),
        search=("name", "description"),
        order=("name",),
        select=("service", "release", "team", "owner"),
        description="Register a flag, or let its provider report it.",
        template="trains/feature_flag.html",
        context=pages.flag_page,
        list_template="trains/feature_flags.html",
        list_context=pages.flags_list,
    )
)
register(
    Resource(
        FailureDrill,
        plural="failure-drills",
        section="releases",
        icon="alert",
        columns=("key", "title", "service", "environment", "signal", "state", "planned_for", "ended_at"),
        filters=("service", "environment", "state", "signal"),
        search=("key", "title"),
        order=("-created_at",),
        select=("service", "environment"),
        description="Plan to make something fail, and say which alerts must fire.",
        template="trains/failure_drill.html",
        context=pages.drill_page,
        list_template="trains/failure_drills.html",
        list_context=pages.drills_list,
    )
)
register(
    Resource(
        ObservedAlert,
        plural="observed-alerts",
        section="releases",
        icon="bell",
        columns=("name", "service", "environment", "severity", "starts_at", "ends_at", "source"),
        filters=(
            Filter("show", "Show", _recent, (("firing", "Firing"), ("day", "Last 24 hours"))),
            "service",
            "environment",
        ),
        search=("name", "fingerprint"),
        order=("-starts_at",),
        select=("service", "environment"),
        description="Monitoring reports them.",
    )
)
navigation.register(navigation.Place("flags", "Flags", "tag", "feature-flags/", 113, "Plan", "Feature flags"))
