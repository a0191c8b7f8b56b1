"""The faces of sign-offs, environments' rules, queues before environments, and replays."""

from __future__ import annotations

from governance.models import DeploymentTurn, EnvironmentRule, Replay, SignOff
from governance.pages import promotion
from releasetrain.interface import navigation
from releasetrain.interface.navigation import Place
from releasetrain.interface.resources import Resource, register

navigation.register(
    Place("preflight", "Preflight", "rocket", "preflight/", 215, "Release", "Preflight of a deployment")
)

register(
    Resource(
        SignOff,
        plural="sign-offs",
        section="gates",
        icon="check",
        columns=("topic", "choice", "release", "artifact", "signed_by", "signed_at"),
        filters=("topic", "choice", "release", "artifact"),
        search=("topic", "statement"),
        order=("-signed_at", "-id"),
        hidden=("builds",),
    )
)
register(
    Resource(
        EnvironmentRule,
        plural="environment-rules",
        section="gates",
        icon="plug",
        columns=("environment", "tags", "at_once"),
        filters=("environment",),
        order=("environment__rank", "id"),
        template="governance/environment_rule.html",
        context=promotion.rule_page,
    )
)
register(
    Resource(
        DeploymentTurn,
        plural="deployment-queue",
        section="gates",
        icon="clock",
        columns=("key", "environment", "service", "release", "impact", "state", "requested_at", "expires_at"),
        filters=("environment", "service", "release", "state"),
        search=("key", "reason"),
        order=("environment", "impact", "requested_at", "key"),
    )
)
register(
    Resource(
        Replay,
        plural="replays",
        section="gates",
        icon="clock",
        columns=("key", "gate", "state", "starts", "ends", "requested_at"),
        filters=("gate", "state"),
        search=("key",),
        order=("-requested_at", "-id"),
        hidden=("lease", "claimed_until"),
        template="governance/replay.html",
        context=promotion.replay_page,
    )
)
