"""The faces of gates, evaluations, results, components, findings and waivers."""

from __future__ import annotations

from governance.models import Component, Evaluation, Finding, Gate, GateVersion, Result, StoredFile, Waiver
from governance.pages import contexts
from releasetrain.interface.resources import Resource, register

register(
    Resource(
        Gate,
        plural="gates",
        section="gates",
        icon="gate",
        columns=("key", "name", "environment", "train", "service", "mode"),
        filters=("environment", "train", "service", "mode"),
        search=("key", "name", "description"),
        order=("environment__rank", "name", "key"),
        template="governance/gate.html",
        context=contexts.gate_page,
    )
)
register(
    Resource(
        GateVersion,
        plural="gate-versions",
        section="gates",
        icon="gate",
        columns=("gate", "number", "note", "published_at"),
        filters=("gate",),
        order=("-published_at", "-number"),
        template="governance/gate_version.html",
        context=contexts.version_page,
    )
)
register(
    Resource(
        Evaluation,
        plural="evaluations",
        section="gates",
        icon="check",
        columns=("key", "gate", "verdict", "state", "release", "artifact", "requested_at", "valid_until"),
        filters=("gate", "verdict", "state", "environment", "release", "artifact"),
        search=("key",),
        order=("-requested_at", "-id"),
        hidden=("subjects", "stamp", "lease", "claimed_until"),
        template="governance/evaluation.html",
        context=contexts.evaluation_page,
    )
)
register(
    Resource(
        Result,
        plural="results",
        section="gates",
        icon="file",
        columns=("artifact", "kind", "tool", "name", "source", "reported_at"),
        filters=("artifact", "kind", "tool"),
        search=("name", "tool", "source"),
        order=("-reported_at", "-id"),
        hidden=("stream",),
        template="governance/result.html",
        context=contexts.result_page,
    )
)
register(
    Resource(
        Component,
        plural="components",
        section="gates",
        icon="tag",
        columns=("name", "version", "licence", "purl", "result"),
        filters=("result", "licence", "package"),
        search=("name", "purl"),
        order=("name", "version", "id"),
    )
)
register(
    Resource(
        Finding,
        plural="findings",
        section="gates",
        icon="flag",
        columns=("title", "severity", "state", "service", "tool", "due_at", "first_seen_at"),
        filters=(
            "state",
            "severity",
            "service",
            "tool",
            "kind",
            contexts.OVERDUE,
            contexts.IN_BUILDS,
            contexts.NEW_IN,
        ),
        search=("title", "rule", "location", "package"),
        order=("due_at", "-first_seen_at", "id"),
        hidden=("fingerprint", "reporters"),
        template="governance/finding.html",
        context=contexts.finding_page,
    )
)
register(
    Resource(
        Waiver,
        plural="waivers",
        section="gates",
        icon="clock",
        columns=("key", "check_name", "gate", "release", "artifact", "state", "expires_at"),
        filters=("state", "gate", "release", "artifact"),
        search=("key", "check_name", "reason"),
        order=("-created_at", "-id"),
        hidden=("builds",),
    )
)
register(
    Resource(
        StoredFile,
        plural="files",
        section="evidence",
        icon="file",
        columns=("name", "media_type", "size", "digest", "created_at"),
        search=("name", "digest"),
        order=("-created_at", "-id"),
    )
)
