"""The faces of readiness and risk: reviews, requirements, flags, checkpoints, security tests, threat models, audits."""

from __future__ import annotations

from governance.models import (
    CheckpointSignOff,
    ComplianceCheckpoint,
    ConfigurationAudit,
    ModelledThreat,
    ReadinessChecklist,
    ReadinessReview,
    RequirementMeasurement,
    ScopeFlag,
    SecurityTest,
    ServiceRequirement,
    ThreatModel,
)
from governance.pages import readiness as pages
from releasetrain.interface import navigation
from releasetrain.interface.resources import Filter, Resource, register

_YES_NO = (("yes", "Yes"), ("no", "No"))
_IN_FORCE = Filter(
    "in_force", "In force", lambda rows, value: rows.filter(retired_at__isnull=value == "yes"), _YES_NO
)

register(
    Resource(
        ReadinessChecklist,
        plural="readiness-checklists",
        section="readiness",
        icon="list",
        columns=("name", "tier", "train", "obligation", "minimum", "valid_days", "retired_at"),
        filters=("tier", "train", "obligation", _IN_FORCE),
        search=("name",),
        order=("tier", "name", "id"),
    )
)
register(
    Resource(
        ReadinessReview,
        plural="readiness-reviews",
        section="readiness",
        icon="check",
        columns=("key", "service", "release", "state", "score", "signed_by", "valid_until"),
        filters=("service", "release", "state"),
        search=("key", "service__name"),
        order=("-created_at", "-id"),
        select=("service", "release"),
        template="governance/readiness_review.html",
        context=pages.review_page,
    )
)
register(
    Resource(
        ServiceRequirement,
        plural="service-requirements",
        section="readiness",
        icon="target",
        columns=("key", "service", "attribute", "indicator", "promise", "last", "measured_at", "met"),
        filters=("service", "attribute", "met", _IN_FORCE),
        search=("key", "indicator", "metric", "service__name"),
        order=("service__name", "attribute", "indicator", "id"),
        computed=("promise",),
        select=("service",),
        template="governance/requirement.html",
        context=pages.requirement_page,
    )
)
register(
    Resource(
        RequirementMeasurement,
        plural="requirement-measurements",
        section="readiness",
        columns=("requirement", "at", "value", "met", "artifact", "source"),
        filters=("requirement", "met"),
        order=("-at", "-id"),
        select=("requirement", "artifact__service"),
    )
)
register(
    Resource(
        ScopeFlag,
        plural="scope-flags",
        section="readiness",
        icon="flag",
        columns=("kind", "service", "release", "item", "source_key", "reason", "raised_by", "withdrawn_at"),
        filters=(
            "kind",
            "service",
            "release",
            Filter(
                "in_force",
                "In force",
                lambda rows, value: rows.filter(withdrawn_at__isnull=value == "yes"),
                _YES_NO,
            ),
        ),
        search=("source_key", "reason"),
        order=("-raised_at", "-id"),
        select=("service", "release", "item"),
    )
)
register(
    Resource(
        ComplianceCheckpoint,
        plural="compliance-checkpoints",
        section="readiness",
        icon="gavel",
        columns=("regime", "point", "function", "role", "train", "retired_at"),
        filters=("regime", "point", "function", "train", _IN_FORCE),
        order=("regime", "point", "function", "id"),
        select=("train",),
    )
)
register(
    Resource(
        CheckpointSignOff,
        plural="checkpoint-sign-offs",
        section="readiness",
        icon="check",
        columns=("release", "checkpoint", "decision", "statement", "signed_by", "signed_at"),
        filters=("release", "checkpoint", "decision"),
        search=("statement",),
        order=("-signed_at", "-id"),
        select=("checkpoint__train", "release"),
    )
)
register(
    Resource(
        SecurityTest,
        plural="security-tests",
        section="readiness",
        icon="lock",
        columns=("artifact", "method", "tool", "performed_at", "critical", "high", "complete"),
        filters=("artifact", "method", "complete"),
        search=("tool", "summary", "source"),
        order=("-performed_at", "-id"),
        select=("artifact__service",),
        computed=("outcome",),
    )
)
register(
    Resource(
        ThreatModel,
        plural="threat-models",
        section="readiness",
        icon="alert",
        columns=("key", "title", "service", "release", "source_key", "state", "author", "reviewed_by"),
        filters=("service", "release", "state"),
        search=("key", "title", "source_key"),
        order=("-created_at", "-id"),
        select=("service", "release"),
        template="governance/threat_model.html",
        context=pages.threat_model_page,
    )
)
register(
    Resource(
        ModelledThreat,
        plural="modelled-threats",
        section="readiness",
        icon="alert",
        columns=("title", "model", "element", "category", "severity", "state", "accepted_until"),
        filters=("model", "category", "severity", "state"),
        search=("title", "element"),
        order=("model", "severity", "created_at", "id"),
        select=("model",),
        part_of=lambda row: row.model,
    )
)
register(
    Resource(
        ConfigurationAudit,
        plural="configuration-audits",
        section="configuration",
        icon="review",
        columns=("key", "release", "environment", "standing", "concluded_by", "concluded_at", "valid_until"),
        filters=("release", "environment", "conclusion"),
        search=("key", "statement"),
        order=("-created_at", "-id"),
        select=("release", "environment"),
        computed=("standing",),
        template="governance/configuration_audit.html",
        context=pages.audit_page,
    )
)
navigation.register(
    navigation.Place(
        "readiness", "Readiness", "check", "readiness/", 122, "Assure", "Readiness for production"
    )
)
